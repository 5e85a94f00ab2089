import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { HandOrigin } from '../../shared/by-hand.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestId, Sha256Hex } from '../../shared/ids.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { SheetArtifact } from '../../shared/review-sheet.ts'
import type { Settings } from '../../shared/settings.ts'
import type { WorkRequest } from '../debusine/server.ts'
import { attestationForSheet } from '../keys/attestation/sheet-attestation.ts'
import type { KeyRegistry } from '../keys/key-registry.ts'
import { approvability, evaluate } from '../policy/evaluate.ts'
import { worst } from '../policy/evidence.ts'
import type { FurtherKeyInput, PolicyInput, SbatLevel } from '../policy/policy-input.ts'
import { buildSheet, sheetDigest, showTheSame, titleOf } from '../review/build-sheet.ts'
import { furtherKeysOfSheet } from './further-keys.ts'
import { recordSheet } from './record-sheet.ts'
import { newestSheet } from './request.repository.ts'
import type { Spool } from './spool.ts'
import type { TaskPlan } from './task-plan.ts'

export interface SheetPorts {
  readonly db: Kysely<Database>
  readonly spool: Spool
  readonly keys: KeyRegistry
  readonly settings: () => Settings
  readonly sbatLevel: SbatLevel
  readonly now: () => Date
}

/** What a sheet is made of, from a server or from a person's hand. */
export interface ToBeShown {
  readonly id: RequestId
  /** Of the server; by hand it is not looked at. */
  readonly server: string
  /** Null: opened at this station; then `byHand` says by whom. */
  readonly request: WorkRequest | null
  readonly byHand?: HandOrigin
  readonly plan: TaskPlan
  readonly artifacts: readonly SheetArtifact[]
  readonly further: readonly FurtherKeyInput[]
  /** `now`: time of the checks. */
  readonly held: (now: Date) => PolicyInput['held']
  readonly requestedBy: string | null
}

/** Makes every check and puts the sheet up for review. One that shows the same as the last leaves that, and what was seen of it, alone. */
export async function makeSheet(
  ports: SheetPorts,
  shown: ToBeShown,
): Promise<Result<{ readonly digest: Sha256Hex }, Failure>> {
  const { id, plan, artifacts, further, request, byHand } = shown
  const { purpose, fingerprint, task } = plan
  const spool = new Map<number, 'same' | 'changed' | 'unreadable'>()
  for (const file of artifacts.flatMap((artifact) => artifact.files))
    spool.set(file.ordinal, await ports.spool.compare(id, file.ordinal, file))
  const key = await ports.keys.find(purpose, fingerprint)
  const now = ports.now()
  const checks = evaluate({
    now,
    purpose,
    task,
    fingerprint,
    held: shown.held(now),
    artifacts,
    spool,
    key,
    registeredFor: key === null ? await ports.keys.purposesOf(fingerprint) : [],
    token: key === null ? { kind: 'usable' } : await ports.keys.usability(key),
    further,
    trustedList: ports.settings().trustedCerts,
    sbatLevel: ports.sbatLevel,
  })
  const fresh = buildSheet({
    requestId: id,
    madeAt: now.toISOString(),
    server: shown.server,
    request,
    ...(byHand === undefined ? {} : { byHand }),
    task,
    purpose,
    fingerprint,
    key,
    attestation: key === null ? null : await attestationForSheet(ports.db, key),
    further: await furtherKeysOfSheet(ports.db, further),
    artifacts,
    checks,
  })
  const before = await newestSheet(ports.db, id)
  const sheet = before !== null && showTheSame(before.sheet, fresh) ? before.sheet : fresh
  const { bytes, digest } = sheetDigest(sheet)
  const written = await recordSheet(ports.db, {
    id,
    sheet: bytes,
    digest,
    madeAt: sheet.madeAt,
    approvable: approvability(checks).kind === 'approvable',
    title: titleOf(artifacts),
    fileCount: artifacts.flatMap(({ files }) => files).filter(({ disposition }) => disposition !== 'keep').length,
    requestedBy: shown.requestedBy,
    worstCheck: worst(checks.map((check) => check.outcome)),
    at: now.toISOString(),
  })
  return written.ok ? ok({ digest }) : written
}
