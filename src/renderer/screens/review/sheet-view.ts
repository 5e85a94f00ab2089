import type { Check, CheckOutcome } from '../../../shared/check.ts'
import type { RequestDetail } from '../../../shared/request.ts'
import type { ReviewSheet, SheetArtifact } from '../../../shared/review-sheet.ts'
import { type Fact, name, text } from '../../parts/fact.ts'
import { count, utc } from '../../parts/format.ts'
import { acknowledgements, acknowledgementsOfSeveralKeys, checkQuestions } from '../../parts/wording.ts'
import { type FileView, fileView } from './file-view.ts'
import { handFacts } from './hand-view.ts'
import { type KeyViews, keyViews, productionOf } from './key-view.ts'
import { permissionFacts } from './permission-view.ts'
import { type IndexView, taskView, type UploadView } from './upload-view.ts'

export type CheckView = {
  readonly id: string
  readonly question: string
  readonly outcome: CheckOutcome
  readonly sentence: string
  readonly evidence: Check['evidence']
  readonly blocks: boolean
}

export type TrustedCertsView = {
  readonly tone: 'passed' | 'attention' | 'refused'
  readonly heading: string
  readonly sentence: string
  readonly certificates: readonly { readonly fingerprint: string; readonly trusted: boolean }[]
}

export type ArtifactView = {
  readonly artifactId: number
  readonly heading: string
  readonly facts: readonly Fact[]
  /** Null: not asked of this task. */
  readonly trustedCerts: TrustedCertsView | null
  /** An upload or a repository index as one; null: files of a Sign task. */
  readonly task: UploadView | IndexView | null
  readonly files: readonly FileView[]
}

export type DecisionView =
  | {
      readonly kind: 'approvable'
      readonly acknowledge: readonly { readonly id: string; readonly statement: string; readonly about: string }[]
    }
  | {
      readonly kind: 'blocked'
      readonly sentence: string
      readonly reasons: readonly { readonly id: string; readonly question: string; readonly sentence: string }[]
    }

/** Everything that the review sheet shows, in the order in which it shows it. */
export type SheetView = {
  readonly headline: {
    readonly files: string
    readonly skipped: number
    /** `work request 42`, or who opened it. */
    readonly from: string
    /** Null: opened by hand. */
    readonly workspace: string | null
  }
  readonly asked: readonly Fact[]
  readonly checks: readonly CheckView[]
  readonly checkCounts: Readonly<Record<CheckOutcome, number>>
  readonly artifacts: readonly ArtifactView[]
  readonly fileCount: number
  /** In the order of their signatures. */
  readonly keys: KeyViews
  /** True as soon as one of the keys is a production key; null: a key is not registered here, so nobody has said. */
  readonly production: boolean | null
  readonly decision: DecisionView
}

/** Pure: the same detail gives the same sheet. `now` only says how far away a date is. */
export function sheetView(detail: RequestDetail, sheet: ReviewSheet, now: number): SheetView {
  const checks = sheet.checks.map(checkView)
  const files = sheet.artifacts.flatMap((artifact) => artifact.files)
  const fileCount = files.length
  const toSign = files.filter((file) => file.disposition === 'sign').length
  const keys = keyViews(sheet, now)
  return {
    headline: {
      files: count(toSign, 'file'),
      skipped: files.filter((file) => file.disposition === 'skip').length,
      from: sheet.workRequest === null ? 'nobody but this desk' : `work request ${sheet.workRequest.id}`,
      workspace: sheet.workRequest === null ? null : workspaceOf(sheet.workRequest),
    },
    asked: askedFacts(detail, sheet),
    checks,
    checkCounts: countOutcomes(checks),
    artifacts: sheet.artifacts.map((artifact) => artifactView(artifact, sheet.furtherKeys)),
    fileCount,
    keys,
    production: productionOf(keys),
    decision: decisionView(detail, checks, toSign, keys.length > 1),
  }
}

function checkView(check: Check): CheckView {
  return {
    id: check.id,
    question: checkQuestions[check.id],
    outcome: check.outcome,
    sentence: check.sentence,
    evidence: check.evidence,
    blocks: check.outcome === 'refused' || check.outcome === 'unknown',
  }
}

function countOutcomes(checks: readonly CheckView[]): Record<CheckOutcome, number> {
  const counts: Record<CheckOutcome, number> = { passed: 0, attention: 0, refused: 0, unknown: 0, 'not-applicable': 0 }
  for (const check of checks) counts[check.outcome] += 1
  return counts
}

function askedFacts(detail: RequestDetail, sheet: ReviewSheet): readonly Fact[] {
  const { workRequest, byHand } = sheet
  if (workRequest === null) return byHand === undefined ? [] : handFacts(byHand)
  const server = { source: 'server', assurance: 'claimed' } as const
  const who: Fact =
    detail.summary.requestedBy === null
      ? {
          id: 'requested-by',
          label: 'Asked by',
          value: text(`user number ${workRequest.createdBy}; the server did not give a name`),
          source: 'server',
          assurance: 'unknown',
        }
      : { id: 'requested-by', label: 'Asked by', value: name(detail.summary.requestedBy), ...server }
  const facts: Fact[] = [
    who,
    ...permissionFacts(sheet),
    { id: 'asked-at', label: 'Asked at', value: { kind: 'time', iso: workRequest.createdAt }, ...server },
    { id: 'server', label: 'Server', value: name(workRequest.server), source: 'station', assurance: 'verified' },
    {
      id: 'workspace',
      label: 'Workspace',
      value: name(workspaceOf(workRequest)),
      ...server,
    },
  ]
  if (workRequest.retryCount > 0)
    facts.push({ id: 'retries', label: 'Tried before', value: text(count(workRequest.retryCount, 'time')), ...server })
  return facts
}

function workspaceOf({ scope, workspace }: NonNullable<ReviewSheet['workRequest']>): string {
  return scope === null ? workspace : `${scope}/${workspace}`
}

function artifactView(artifact: SheetArtifact, furtherKeys: ReviewSheet['furtherKeys']): ArtifactView {
  const byHand = artifact.permission.kind === 'by-hand'
  const claimed = { source: 'server', assurance: 'claimed' } as const
  const facts: Fact[] = [{ id: 'category', label: 'Category', value: name(artifact.category), ...claimed }]
  if (artifact.binaryPackageName !== null)
    facts.unshift({ id: 'package', label: 'Made for package', value: name(artifact.binaryPackageName), ...claimed })
  const task = taskView(artifact)
  return {
    artifactId: artifact.artifactId,
    heading: byHand ? 'Opened by hand' : `Artifact ${artifact.artifactId}`,
    facts: byHand ? [] : facts,
    trustedCerts: task === null && !byHand ? trustedCertsView(artifact) : null,
    task,
    files: artifact.files.map((file) => fileView(file, furtherKeys)),
  }
}

/** Three states, three sentences: saying nothing, saying "none" and naming certificates are not the same. */
export function trustedCertsView({ trustedCerts }: Pick<SheetArtifact, 'trustedCerts'>): TrustedCertsView {
  switch (trustedCerts.kind) {
    case 'not-declared':
      return {
        tone: 'attention',
        heading: 'Not declared',
        sentence:
          'The artifact does not say which certificates its files will trust. That is not the same as trusting none.',
        certificates: [],
      }
    case 'declared-empty':
      return {
        tone: 'passed',
        heading: 'Declared: none',
        sentence: 'The artifact says that its files trust no certificate.',
        certificates: [],
      }
    case 'declared': {
      const trusted = trustedCerts.certificates.filter((certificate) => certificate.trusted).length
      const total = trustedCerts.certificates.length
      return {
        tone: trusted === total ? 'passed' : 'refused',
        heading: `Declared: ${trusted} of ${total} trusted`,
        sentence:
          trusted === total
            ? `The artifact says that its files trust ${count(total, 'certificate')}, all of them on this station’s list.`
            : `The artifact says that its files trust ${count(total - trusted, 'certificate')} that this station’s list does not have.`,
        certificates: trustedCerts.certificates,
      }
    }
  }
}

function decisionView(
  detail: RequestDetail,
  checks: readonly CheckView[],
  toSign: number,
  severalKeys: boolean,
): DecisionView {
  const { approvability } = detail
  const reasonsOf = (ids: readonly string[]) =>
    ids.map((id) => {
      const check = checks.find((candidate) => candidate.id === id)
      return { id, question: check?.question ?? id, sentence: check?.sentence ?? 'This check is not on the sheet.' }
    })
  if (approvability === null) {
    return { kind: 'blocked', sentence: 'The station has not said that this sheet can be approved.', reasons: [] }
  }
  // Main decides; the window refuses on its own as well when the sheet that it shows has something that blocks.
  const blocking = checks.filter((check) => check.blocks).map((check) => check.id)
  const blockedBy = approvability.kind === 'blocked' ? [...new Set([...approvability.by, ...blocking])] : blocking
  if (approvability.kind === 'blocked' || blockedBy.length > 0 || toSign === 0) {
    return {
      kind: 'blocked',
      sentence:
        blockedBy.length === 0
          ? 'This request cannot be approved: there is nothing in it to sign.'
          : `This request cannot be approved: ${count(blockedBy.length, 'check')} ${blockedBy.length === 1 ? 'does' : 'do'} not allow it.`,
      reasons: reasonsOf(blockedBy),
    }
  }
  const wanted = new Set([
    ...approvability.acknowledge,
    ...checks.filter((check) => check.outcome === 'attention').map((check) => check.id),
  ])
  return {
    kind: 'approvable',
    acknowledge: reasonsOf([...wanted]).map(({ id, question, sentence }) => ({
      id,
      statement: acknowledgementOf(id, severalKeys) ?? `I have read “${question}” and want to sign.`,
      about: sentence,
    })),
  }
}

function acknowledgementOf(id: string, severalKeys: boolean): string | undefined {
  const ofSeveral: Readonly<Record<string, string>> = severalKeys ? acknowledgementsOfSeveralKeys : {}
  return ofSeveral[id] ?? (acknowledgements as Readonly<Record<string, string>>)[id]
}

/** `Approved by … at …`, for a request that is decided. */
export function decisionSentence(decision: NonNullable<RequestDetail['decision']>): string {
  return `${decision.kind === 'approved' ? 'Approved' : 'Declined'} by ${decision.operator} at ${utc(decision.at)}`
}
