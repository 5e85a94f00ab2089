import type { Check } from '../../shared/check.ts'
import type { SheetFile } from '../../shared/review-sheet.ts'
import { type Evidence, filesToSign, fromEvidence, nameOfFile } from './evidence.ts'
import type { PolicyInput, SbatLevel } from './policy-input.ts'

/** SBAT generations against the published revocation level: below it, shim and firmware refuse to start the file (shim SBAT.md). */
export function checkSbatLevel({ artifacts, sbatLevel }: PolicyInput): Check {
  return fromEvidence(
    'sbat-level',
    filesToSign(artifacts).map((file) => evidenceOf(file, sbatLevel)),
    {
      passed: `No file is below the revocation level of ${sbatLevel.date}.`,
      refused: `A file is below the revocation level of ${sbatLevel.date}: machines with current revocations will not start it.`,
      attention: 'A file carries no SBAT rows: it cannot be revoked by generation, and shim may refuse it.',
      unknown: 'The SBAT rows of a file cannot be read.',
      'not-applicable': 'There is no file to sign.',
    },
  )
}

function evidenceOf(file: SheetFile, level: SbatLevel): Evidence {
  const base = { subject: nameOfFile(file), source: 'file' } as const
  if (file.facts.kind !== 'pe') return { ...base, found: 'cannot be read as a PE image', outcome: 'unknown' }
  const { sbat, sbatProblem, role } = file.facts
  if (sbatProblem !== null) return { ...base, found: sbatProblem, outcome: 'unknown' }
  if (sbat === null) {
    // Old kernels have none, but what a file claims to be is the file's word: it excuses nothing.
    const found = role === 'linux-kernel' ? 'no .sbat section; it looks like a Linux kernel' : 'no .sbat section'
    return { ...base, found, outcome: 'attention' }
  }
  const low = sbat.find((row) => row.generation < (level.minimumGenerations[row.component] ?? 0))
  if (low !== undefined) {
    return {
      ...base,
      found: `${low.component} is generation ${low.generation}; the level demands ${level.minimumGenerations[low.component]}`,
      outcome: 'refused',
    }
  }
  return { ...base, found: sbat.map((row) => `${row.component} ${row.generation}`).join(', '), outcome: 'passed' }
}
