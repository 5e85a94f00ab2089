import type { Check } from '../../shared/check.ts'
import type { TextFacts } from '../../shared/input-facts.ts'
import type { SheetFile } from '../../shared/review-sheet.ts'
import { type Evidence, filesToSign, fromEvidence, nameOfFile, plural } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/** A text that two programs read differently is not worth a signature (docs/formats/openpgp.md). */
export function checkTextSafe({ artifacts }: Pick<PolicyInput, 'artifacts'>): Check {
  const detached = detachedFiles(artifacts)
  const evidence = artifacts
    .flatMap((artifact) => artifact.files)
    .map((file): Evidence => {
      const base = { subject: nameOfFile(file), source: 'file' } as const
      if (file.disposition === 'skip')
        return { ...base, found: 'skipped: a kernel module is not signed for this purpose', outcome: 'not-applicable' }
      if (detached.has(file)) {
        return file.toBeSigned === null
          ? { ...base, found: 'no digest could be made', outcome: 'refused' }
          : { ...base, found: `signed byte for byte; SHA-256 ${file.toBeSigned.digest}`, outcome: 'passed' }
      }
      if (file.facts.kind !== 'text') return { ...base, found: 'was not read as a text', outcome: 'refused' }
      const [fault] = file.facts.faults
      if (fault !== undefined) return { ...base, found: fault.message, outcome: 'refused' }
      if (file.toBeSigned === null) return { ...base, found: 'no digest could be made', outcome: 'refused' }
      const { trailingBlanks } = file.facts
      const blanks =
        trailingBlanks === 0
          ? ''
          : `; blanks at the end of ${plural(trailingBlanks, 'line', 'lines')} stay in the file and are not signed`
      return { ...base, found: `one reading only; SHA-256 ${file.toBeSigned.digest}${blanks}`, outcome: 'passed' }
    })
  const bad = evidence.filter((piece) => piece.outcome === 'refused').length
  return fromEvidence('layout-safe', evidence, {
    passed:
      detached.size > 0
        ? 'Every file is signed byte for byte: there is one reading of it.'
        : 'Every file is a text that all verifiers read alike.',
    refused: `${plural(bad, 'file is', 'files are')} not a text that can be clear-signed safely.`,
    'not-applicable': 'There is no file to sign: nothing can be approved.',
    attention: '',
    unknown: '',
  })
}

/** A clear-signed text never hides anything: whatever a reader would not see has to be acknowledged by name. */
export function checkTextExplained({ artifacts }: Pick<PolicyInput, 'artifacts'>): Check {
  if (filesToSign(artifacts).length === 0)
    return {
      id: 'file-explained',
      outcome: 'refused',
      sentence: 'There is no file that could be signed.',
      evidence: [],
    }
  const detached = detachedFiles(artifacts)
  const evidence = artifacts
    .flatMap((artifact) => artifact.files)
    .flatMap((file): Evidence[] => {
      const base = { subject: nameOfFile(file), source: 'file' } as const
      if (file.disposition === 'skip') return [{ ...base, found: 'will be reported as skipped', outcome: 'attention' }]
      if (detached.has(file)) {
        const what = file.facts.kind === 'payload' ? `it begins like ${file.facts.what}` : 'it could not be read'
        return [{ ...base, found: `its content is not shown; ${what}`, outcome: 'attention' }]
      }
      if (file.facts.kind !== 'text') return [{ ...base, found: 'was not read as a text', outcome: 'refused' }]
      const remarks = remarksOn(file.facts)
      return remarks.length === 0
        ? [{ ...base, found: `a text of ${plural(file.facts.lines, 'line', 'lines')}, shown whole`, outcome: 'passed' }]
        : remarks.map((found): Evidence => ({ ...base, found, outcome: 'attention' }))
    })
  return fromEvidence('file-explained', evidence, {
    passed: 'Every text is shown whole, and nothing in it is hidden from who reads it.',
    attention:
      detached.size > 0
        ? 'The station signs these files without looking into them. Compare their digests with another source.'
        : 'A text holds what is not seen on a screen, or is not shown whole. Look at the file before you approve.',
    refused: 'A file is not what this purpose signs.',
    unknown: '',
    'not-applicable': '',
  })
}

/** Files of any kind, of which nobody claims that they are texts. */
function detachedFiles(artifacts: PolicyInput['artifacts']): ReadonlySet<SheetFile> {
  return new Set(artifacts.flatMap(({ detached, files }) => (detached === true ? files : [])))
}

const oddWords = {
  control: 'a control character',
  bidirectional: 'a character that turns the direction of writing',
  invisible: 'an invisible character',
  'line-separator': 'a line separator that ends no line',
  'not-assigned': 'a character without a meaning',
} as const

function remarksOn({ lines, cut, oddities, frames, linesOutside }: TextFacts): readonly string[] {
  const [first] = frames
  return [
    ...(cut
      ? [`the sheet shows the beginning of ${plural(lines, 'line', 'lines')} only: the rest is signed unseen`]
      : []),
    ...(lines === 0 ? ['the file is empty'] : []),
    ...oddities.map(
      ({ kind, codePoint, count, firstLine }) =>
        `${codePoint}, ${oddWords[kind]}, ${plural(count, 'time', 'times')}, first in line ${firstLine}`,
    ),
    ...(first === undefined
      ? []
      : [
          `${plural(frames.length, 'line begins', 'lines begin')} like the frame of an OpenPGP message, first line ${first.line}: the file may be signed already, or look as if it were`,
        ]),
    ...(linesOutside === null || linesOutside === 0
      ? []
      : [
          `${plural(linesOutside, 'line lies', 'lines lie')} outside the signed part of the message that is in the file`,
        ]),
  ]
}
