import type { Check } from '../../shared/check.ts'
import { type Evidence, filesToSign, fromEvidence, nameOfFile } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/** A second signature over the same bytes is rarely wanted; where it is (a retried workflow), a person says so by name. */
export function checkSignedBefore({ artifacts }: PolicyInput): Check {
  const evidence = filesToSign(artifacts).map((file): Evidence => {
    const base = { subject: nameOfFile(file), source: 'station' } as const
    const [last] = file.signedBefore
    return last === undefined
      ? { ...base, found: 'never signed here with this key', outcome: 'passed' }
      : {
          ...base,
          found: `signed here on ${last.at.slice(0, 10)}${last.workRequest === null ? '' : ` for work request ${last.workRequest}`}`,
          outcome: 'attention',
        }
  })
  return fromEvidence('signed-before', evidence, {
    passed: 'None of these bytes were signed here before with this key.',
    attention: 'Some of these bytes were signed here before with this key.',
    refused: '',
    unknown: '',
    'not-applicable': 'There is no file to sign.',
  })
}
