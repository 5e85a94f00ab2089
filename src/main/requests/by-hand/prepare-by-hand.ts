import type { RequestRow } from '../../../../db/tables/request.table.ts'
import { byHandOrigin } from '../../../shared/by-hand-origin.ts'
import type { Failure } from '../../../shared/failure.ts'
import { artifactId, fingerprint, requestId, type Sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { attestationForSheet } from '../../keys/attestation/sheet-attestation.ts'
import { approvability, evaluate } from '../../policy/evaluate.ts'
import { worst } from '../../policy/evidence.ts'
import type { PolicyInput } from '../../policy/policy-input.ts'
import { buildSheet, sheetArtifacts, sheetDigest, showTheSame, titleOf } from '../../review/build-sheet.ts'
import type { DeskPorts } from '../desk-ports.ts'
import { recordSheet } from '../record-sheet.ts'
import { newestSheet } from '../request.repository.ts'
import { artifactsOfTask } from '../sheet-of-task.ts'
import { handOriginOf } from './hand.repository.ts'
import { handModes } from './hand-modes.ts'
import { asDetached, inspectOpened } from './inspect-opened.ts'

/** Inspects and checks the copies of what was opened, and makes the sheet: the same parsers, the same checks, no server. */
export async function prepareByHand(
  ports: DeskPorts,
  row: RequestRow,
  signal: AbortSignal,
): Promise<Result<{ readonly digest: Sha256Hex }, Failure>> {
  const id = requestId.parse(row.id)
  const print = fingerprint.parse(row.fingerprint)
  const origin = await handOriginOf(ports.db, id)
  const { purpose } = handModes[origin.signAs]
  const stored = await ports.db
    .selectFrom('request_file')
    .selectAll()
    .where('request_id', '=', row.id)
    .orderBy('ordinal')
    .execute()
  const spool = new Map<number, 'same' | 'changed' | 'unreadable'>()
  for (const { ordinal, size, sha256 } of stored) {
    const found = await ports.spool.compare(id, ordinal, { size, sha256 })
    // The digests were fixed when it was opened: the copy is the only one that can be signed, and the original is not asked again.
    if (found === 'changed') return err(copyChanged)
    if (found === 'unreadable') return err(copyGone)
  }
  const inspected = await inspectOpened(ports, row, id, origin, stored, signal)
  if (!inspected.ok) return inspected
  const { plan, files } = inspected.value
  const settings = ports.settings()
  const plain = sheetArtifacts(
    [
      {
        artifactId: artifactId.parse(1),
        category: byHandOrigin,
        binaryPackageName: null,
        trustedCerts: null,
        permission: { kind: 'by-hand', openedBy: origin.openedBy },
        files,
      },
    ],
    settings.trustedCerts,
    purpose,
  )
  const artifacts =
    origin.signAs === 'openpgp-detached' ? plain.map(asDetached) : await artifactsOfTask(ports, plan, row, id, plain)
  for (const file of artifacts.flatMap((artifact) => artifact.files))
    spool.set(file.ordinal, await ports.spool.compare(id, file.ordinal, file))
  const key = await ports.keys.find(purpose, print)
  const now = ports.now()
  const policy: PolicyInput = {
    now,
    purpose,
    task: plan.task,
    fingerprint: print,
    held: { kind: 'by-hand', openedBy: origin.openedBy },
    artifacts,
    spool,
    key,
    registeredFor: key === null ? await ports.keys.purposesOf(print) : [],
    token: key === null ? { kind: 'usable' } : await ports.keys.usability(key),
    trustedList: settings.trustedCerts,
    sbatLevel: ports.sbatLevel,
  }
  const checks = evaluate(policy)
  const fresh = buildSheet({
    requestId: id,
    madeAt: now.toISOString(),
    server: row.server,
    request: null,
    byHand: origin,
    task: plan.task,
    purpose,
    fingerprint: print,
    key,
    attestation: key === null ? null : await attestationForSheet(ports.db, key),
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
    requestedBy: origin.openedBy,
    worstCheck: worst(checks.map((check) => check.outcome)),
    at: now.toISOString(),
  })
  return written.ok ? ok({ digest }) : written
}

const copyChanged: Failure = {
  kind: 'refused',
  code: 'spool-changed',
  message:
    'The copy of an opened file was changed on this machine. Nothing was signed. Find out who can write to the spool, decline, and open the file again.',
}
const copyGone: Failure = {
  kind: 'unavailable',
  code: 'spool-gone',
  message: 'The copy of an opened file cannot be read any more. Nothing was signed. Decline, and open the file again.',
}
