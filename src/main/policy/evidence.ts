import type { Check, CheckId, CheckOutcome } from '../../shared/check.ts'
import type { SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'

export type Evidence = Check['evidence'][number]

/** The worst first: a check is as good as its worst piece of evidence. */
const severity: Readonly<Record<CheckOutcome, number>> = {
  refused: 4,
  unknown: 3,
  attention: 2,
  passed: 1,
  'not-applicable': 0,
}

export function worst(outcomes: readonly CheckOutcome[]): CheckOutcome {
  return outcomes.reduce<CheckOutcome>(
    (found, outcome) => (severity[outcome] > severity[found] ? outcome : found),
    'not-applicable',
  )
}

/** A check whose outcome follows from its evidence; `sentences` says what to write for each outcome. */
export function fromEvidence(
  id: CheckId,
  evidence: readonly Evidence[],
  sentences: Readonly<Record<CheckOutcome, string>>,
): Check {
  const outcome = worst(evidence.map((piece) => piece.outcome))
  return { id, outcome, sentence: sentences[outcome], evidence: [...evidence] }
}

/** How a file or an artifact is named in evidence. */
export function nameOfFile(file: SheetFile): string {
  return `file ${file.ordinal + 1}: ${file.path}`
}
export function nameOfArtifact(artifact: SheetArtifact): string {
  if (artifact.permission.kind === 'by-hand') return 'opened files'
  return `artifact ${artifact.artifactId}`
}

export function filesToSign(artifacts: readonly SheetArtifact[]): readonly SheetFile[] {
  return artifacts.flatMap((artifact) => artifact.files).filter((file) => file.disposition === 'sign')
}

export function plural(count: number, one: string, many: string): string {
  return count === 1 ? `1 ${one}` : `${count} ${many}`
}
