import type { HandOrigin } from '../../../shared/by-hand.ts'
import { type Fact, name, text } from '../../parts/fact.ts'
import { signAsWords } from '../../parts/wording.ts'

/** Who opened what, what was really read, and where the signature goes: all of it this station's own record. */
export function handFacts(byHand: HandOrigin): readonly Fact[] {
  const here = { source: 'station', assurance: 'verified' } as const
  return [
    { id: 'opened-by', label: 'Opened by', value: name(byHand.openedBy), source: 'station', assurance: 'claimed' },
    {
      id: 'permission-by-hand',
      label: 'Permission',
      value: text(`Not asked: opened by hand at this station by ${byHand.openedBy}`),
      source: 'station',
      assurance: 'unknown',
    },
    { id: 'opened-at', label: 'Opened at', value: { kind: 'time', iso: byHand.openedAt }, ...here },
    { id: 'sign-as', label: 'Signed as', value: text(signAsWords[byHand.signAs].label), ...here },
    ...byHand.files.flatMap((file): Fact[] => [
      { id: `named-${file.ordinal}`, label: numbered(byHand, 'File', file.ordinal), value: name(file.named), ...here },
      ...(file.opened === file.named
        ? []
        : [
            {
              id: `opened-${file.ordinal}`,
              label: 'which is a link: what was read is',
              value: name(file.opened),
              ...here,
            },
          ]),
      ...(file.output === null
        ? []
        : [
            {
              id: `output-${file.ordinal}`,
              label: numbered(byHand, 'Signature goes to', file.ordinal),
              value: name(file.output),
              ...here,
            },
          ]),
    ]),
  ]
}

function numbered({ files }: HandOrigin, label: string, ordinal: number): string {
  return files.length === 1 ? label : `${label} ${ordinal + 1}`
}
