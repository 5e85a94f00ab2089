import type { ArtifactId } from '../../shared/ids.ts'
import { type ReviewSheet, type SheetArtifact, taskOf } from '../../shared/review-sheet.ts'
import type { CompletionResult } from '../debusine/server.ts'
import type { SigningFileResult } from '../debusine/task-data.ts'
import type { RequestState, Verdict } from './machine.ts'

/** One file's end, as it is stored. */
export interface SignatureResult {
  readonly ordinal: number
  readonly state: 'signed' | 'failed' | 'unknown' | 'withdrawn' | 'begun'
  readonly outputSha256: string | null
  readonly message: string | null
}

export interface PlannedOutput {
  readonly position: number
  readonly input: ArtifactId
  readonly binaryPackageName: string | null
  readonly results: readonly SigningFileResult[]
  /** Ordinals whose signature files belong to this artifact. */
  readonly signedOrdinals: readonly number[]
}

export interface Report {
  readonly result: CompletionResult
  readonly errors: readonly { readonly code: string; readonly message: string }[]
  readonly outputs: readonly PlannedOutput[]
  readonly log: string
}

const skipped = 'Skipped kernel module (not yet supported)'

/**
 * What the server is told, as debusine's own worker tells it: one `signing-output` for each input artifact in order, even when
 * some files failed; success only if something was signed and nothing failed. A declined request has no outputs.
 */
export function reportOf(
  state: Extract<RequestState, { kind: 'returning' }>,
  sheet: ReviewSheet | null,
  signatures: readonly SignatureResult[],
  facts: { readonly stationName: string; readonly auditSeqs: readonly number[]; readonly suffix: string },
): Report {
  const bySeq = new Map(signatures.map((each) => [each.ordinal, each]))
  // An upload or an index is handed back whole or not at all.
  const whole = sheet !== null && taskOf(sheet) !== 'sign' && state.verdict !== 'signed'
  const decided = state.verdict !== 'declined' && sheet !== null && signatures.length > 0 && !whole
  const outputs = decided
    ? sheet.artifacts.map((artifact, position) => outputOf(artifact, position, bySeq, facts.suffix))
    : []
  const errors = errorsOf(state.verdict, state.reason, outputs)
  return {
    result: state.verdict === 'signed' ? 'success' : 'failure',
    errors,
    outputs,
    log: logText(state, state.verdict, outputs, errors, facts),
  }
}

/** What the server is told of a request for a key. The key itself is an asset (report-key.ts); there is no output. */
export function generationReport(
  state: Extract<RequestState, { kind: 'returning' }>,
  facts: { readonly stationName: string; readonly auditSeqs: readonly number[] },
): Report {
  const made = state.verdict === 'signed'
  const declined = state.verdict === 'declined'
  const errors = made
    ? []
    : declined
      ? errorsOf('declined', state.reason, [])
      : [{ code: 'no-key', message: `No key was made. ${state.reason ?? ''}`.trim() }]
  return {
    result: made ? 'success' : 'failure',
    errors,
    outputs: [],
    log: logText(state, made ? 'key made' : declined ? 'declined' : 'no key made', [], errors, facts),
  }
}

function outputOf(
  artifact: SheetArtifact,
  position: number,
  signatures: ReadonlyMap<number, SignatureResult>,
  suffix: string,
): PlannedOutput {
  const kept = artifact.files.filter(({ disposition }) => disposition !== 'keep')
  const nameOf = (file: SheetArtifact['files'][number]) =>
    artifact.repositoryIndex?.signedName ?? (artifact.upload === undefined ? `${file.path}${suffix}` : file.path)
  const results = kept.map((file): SigningFileResult => {
    if (file.disposition === 'skip') return { file: file.path, outputFile: null, errorMessage: skipped }
    const signature = signatures.get(file.ordinal)
    return signature?.state === 'signed'
      ? { file: file.path, outputFile: nameOf(file), errorMessage: null }
      : {
          file: file.path,
          outputFile: null,
          errorMessage: signature?.message ?? 'Not signed: the operator stopped before this file.',
        }
  })
  return {
    position,
    input: artifact.artifactId,
    binaryPackageName: artifact.binaryPackageName,
    results,
    signedOrdinals: artifact.files
      .filter((file) => signatures.get(file.ordinal)?.state === 'signed')
      .map((file) => file.ordinal),
  }
}

function errorsOf(verdict: Verdict, reason: string | null, outputs: readonly PlannedOutput[]): Report['errors'] {
  switch (verdict) {
    case 'signed':
      return []
    case 'declined':
      return [
        {
          code: 'declined',
          message: `Declined by the operator of the signing station: ${reason ?? 'no reason given'}`,
        },
      ]
    case 'partly-signed':
    case 'failed': {
      const failed = outputs
        .flatMap((output) => output.results)
        .filter((result) => result.errorMessage !== null && result.errorMessage !== skipped)
      const what =
        verdict === 'failed'
          ? 'No file was signed.'
          : `${failed.length} of ${outputs.flatMap((output) => output.results).length} files were not signed.`
      return [
        {
          code: verdict === 'failed' ? 'not-signed' : 'partly-signed',
          message: reason === null ? what : `${what} ${reason}`,
        },
      ]
    }
  }
}

/** The text of the debug-log artifact: what happened at the station, in plain words, with the numbers of its audit entries. */
function logText(
  state: Extract<RequestState, { kind: 'returning' }>,
  result: string,
  outputs: readonly PlannedOutput[],
  errors: Report['errors'],
  facts: { readonly stationName: string; readonly auditSeqs: readonly number[] },
): string {
  const lines = [
    `Signing Station ${facts.stationName}`,
    `Result: ${result}${state.reason === null ? '' : ` (${state.reason})`}`,
    ...errors.map((error) => `${error.code}: ${error.message}`),
    ...outputs.flatMap((output) =>
      output.results.map(
        (result) => `artifact ${output.input} ${result.file}: ${result.outputFile ?? result.errorMessage}`,
      ),
    ),
    `Audit entries: ${facts.auditSeqs.join(' ')}`,
  ]
  return `${lines.map((line) => line.replaceAll(/[\r\n]+/g, ' ')).join('\n')}\n`
}
