import type { Check } from '../../shared/check.ts'
import type { InputFacts } from '../../shared/input-facts.ts'
import { type Evidence, fromEvidence, nameOfFile, plural } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/** A signature over a file that two tools read differently is not worth having (signing/pe/README.md). */
export function checkLayoutSafe({ artifacts }: PolicyInput): Check {
  const evidence = artifacts
    .flatMap((artifact) => artifact.files)
    .map((file): Evidence => {
      const base = { subject: nameOfFile(file), source: 'file' } as const
      if (file.disposition === 'skip')
        return { ...base, found: 'skipped: a kernel module is not signed for this purpose', outcome: 'not-applicable' }
      if (file.facts.kind !== 'pe') return { ...base, found: notAnImage(file.facts), outcome: 'refused' }
      const [fault] = file.facts.layoutFaults
      if (fault !== undefined) return { ...base, found: fault.message, outcome: 'refused' }
      return file.toBeSigned === null
        ? { ...base, found: 'no digest could be made', outcome: 'refused' }
        : { ...base, found: `one reading only; Authenticode SHA-256 ${file.toBeSigned.digest}`, outcome: 'passed' }
    })
  const bad = evidence.filter((piece) => piece.outcome === 'refused').length
  return fromEvidence('layout-safe', evidence, {
    passed: 'Every file is a well-formed PE image that all verifiers read alike.',
    refused: `${plural(bad, 'file is', 'files are')} not a PE image that can be signed safely.`,
    'not-applicable': 'There is no file to sign: nothing can be approved.',
    attention: '',
    unknown: '',
  })
}

/** Nothing to sign is not approvable: an approval of nothing would end as an empty success. */
export function checkFileExplained({ artifacts }: PolicyInput): Check {
  const evidence = artifacts
    .flatMap((artifact) => artifact.files)
    .map((file): Evidence => {
      const base = { subject: nameOfFile(file), source: 'file' } as const
      if (file.disposition === 'skip') return { ...base, found: 'will be reported as skipped', outcome: 'attention' }
      if (file.facts.kind !== 'pe') return { ...base, found: notAnImage(file.facts), outcome: 'refused' }
      const { sbat, kernelVersion, texts } = file.facts
      // An empty section says nothing.
      const explained =
        (sbat !== null && sbat.length > 0) || kernelVersion !== null || texts.some(({ text }) => text.trim() !== '')
      return explained
        ? { ...base, found: `${file.facts.role}: says of itself what it is`, outcome: 'passed' }
        : {
            ...base,
            found: 'a PE image without SBAT rows, version or description: signing it is blind signing',
            outcome: 'attention',
          }
    })
  const toSign = artifacts.flatMap((artifact) => artifact.files).some((file) => file.disposition === 'sign')
  if (!toSign) {
    return { id: 'file-explained', outcome: 'refused', sentence: 'There is no file that could be signed.', evidence }
  }
  return fromEvidence('file-explained', evidence, {
    passed: 'Every file says of itself what it is.',
    attention: 'The program cannot explain every file. What it cannot explain is signed blind, or skipped.',
    refused: 'A file is not what this purpose signs.',
    unknown: '',
    'not-applicable': '',
  })
}

function notAnImage(facts: Exclude<InputFacts, { kind: 'pe' }>): string {
  return facts.kind === 'opaque' ? facts.reason : 'This was read as a text, not as a PE image.'
}
