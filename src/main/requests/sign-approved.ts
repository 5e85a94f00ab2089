import { readFile } from 'node:fs/promises'
import type { RequestId } from '../../shared/ids.ts'
import { err } from '../../shared/result.ts'
import { taskOf } from '../../shared/review-sheet.ts'
import type { SigningSession, TokenFailure } from '../token/token-service.ts'
import { type Approved, keyNotActive, lastChanged } from './approve.ts'
import { type DeskPorts, move, sayOf } from './desk-ports.ts'
import { openIncident, tallyOf } from './incident.ts'
import { comparesWithLast, rememberSigned, takeTurn } from './last-signed.ts'
import type { RequestEffect } from './machine.ts'
import { inSigningOrder, oneAfterAnother } from './signing-form.ts'
import { type RunEnd, runSigning } from './signing-run.ts'
import { filesOfSheet } from './use-of-key.ts'

/** Signs what an approval covers and is not settled yet, records how it ended, and closes the session. What has to follow is the answer. */
export async function signApproved(
  ports: DeskPorts,
  approved: Approved,
  signal: AbortSignal,
): Promise<readonly RequestEffect[]> {
  const { db } = ports
  const turn = takeTurn(db, approved.row, approved.sheet)
  try {
    // Asked with the approval already; another may have been signed since.
    if (await comparesWithLast(db, approved.row, approved.sheet)) return await signFiles(ports, approved, signal)
    return await ended(ports, approved, 0, { kind: 'stopped', failure: lastChanged })
  } finally {
    turn.end()
    await approved.session.close()
  }
}

async function signFiles(ports: DeskPorts, approved: Approved, signal: AbortSignal): Promise<readonly RequestEffect[]> {
  const id = approved.sheet.requestId
  const files = inSigningOrder(filesOfSheet(approved.sheet))
  const before = await tallyOf(ports.db, id, files.length)
  const settled = await settledOrdinals(ports, id)
  const progress = (signed: number) => {
    const done = before.signed + signed
    approved.progress.signed(signed)
    sayOf(ports, approved.row, `Signing station: signed ${done} of ${files.length}`)
  }
  const { purpose, key } = approved.sheet
  const use = await ports.keys.use(purpose, key.fingerprint)
  if (use === null) return ended(ports, approved, files.length, { kind: 'stopped', failure: keyNotActive })
  progress(0)
  const end = await runSigning({
    db: ports.db,
    log: ports.log,
    context: {
      request: approved.row,
      sheet: approved.sheet,
      sheetDigest: approved.sheetDigest,
      operator: ports.settings().operatorName,
      audit: ports.audit,
      now: ports.now,
    },
    files: files.filter(({ file }) => !settled.has(file.ordinal)),
    oneAfterAnother: oneAfterAnother(approved.sheet),
    session: untilStopped(approved.session, use.signal),
    signer: ports.signer,
    certificate: approved.certificate,
    pathOf: (ordinal) => ports.spool.pathOf(id, ordinal),
    signal: AbortSignal.any([signal, use.signal]),
    onProgress: progress,
  }).catch(async (defect: unknown) => {
    await use.end()
    throw defect
  })
  const active = await use.end()
  // Whoever stopped it, the key decides how it can go on.
  const taken = end.kind === 'stopped' && end.failure.code === 'cancelled' && !active
  return await ended(ports, approved, files.length, taken ? { kind: 'stopped', failure: keyNotActive } : end)
}

/** A session that asks the token for nothing once the key must not be used: an intent that was written meanwhile is withdrawn. */
function untilStopped(session: SigningSession, stop: AbortSignal): SigningSession {
  return {
    sign: async (request) => (stop.aborted ? err(notAsked) : session.sign(request)),
    signMany: async (requests, onOutcome) => (stop.aborted ? [err(notAsked)] : session.signMany(requests, onOutcome)),
    close: () => session.close(),
  }
}

/** Files that have an outcome, or an intent whose outcome is not known: they are never asked for again. */
async function settledOrdinals(ports: DeskPorts, id: RequestId): Promise<ReadonlySet<number>> {
  const rows = await ports.db
    .selectFrom('signature')
    .select('ordinal')
    .where('request_id', '=', id)
    .where('state', '<>', 'withdrawn')
    .execute()
  return new Set(rows.map((row) => row.ordinal))
}

async function ended(
  ports: DeskPorts,
  { row, sheet }: Pick<Approved, 'row' | 'sheet'>,
  toSign: number,
  end: RunEnd,
): Promise<readonly RequestEffect[]> {
  const id = sheet.requestId
  if (end.kind === 'lost') {
    const opened = await openIncident(ports, id, end.failure.message)
    if (!opened.ok) ports.log('request.incident-not-recorded', { request: id, code: opened.error.code })
    return []
  }
  if (end.kind === 'stopped')
    return effectsOf(ports, id, await move(ports, id, { kind: 'signing-stopped', failure: end.failure }))
  const tally = await tallyOf(ports.db, id, toSign)
  const release = taskOf(sheet) === 'signrepositoryindex' ? await readFile(ports.spool.pathOf(id, 0)) : null
  const moved = await move(ports, id, { kind: 'signing-finished', tally }, async (trx) => {
    if (tally.signed === tally.toSign) await rememberSigned(trx, row, sheet, release, ports.now().toISOString())
    return []
  })
  return effectsOf(ports, id, moved)
}

function effectsOf(ports: DeskPorts, id: RequestId, moved: Awaited<ReturnType<typeof move>>): readonly RequestEffect[] {
  if (moved.ok) return moved.value.effects
  ports.log('request.end-not-recorded', { request: id, code: moved.error.code })
  return []
}

const notAsked: TokenFailure = {
  kind: 'refused',
  code: 'cancelled',
  message: 'The key must not be used any more, so the token was not asked.',
}
