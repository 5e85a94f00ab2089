import type { RequestId } from '../../shared/ids.ts'
import { err } from '../../shared/result.ts'
import { keysOf } from '../../shared/review-sheet.ts'
import type { KeyUse } from '../keys/key-registry.ts'
import type { SigningCertificate } from '../signing/signer.ts'
import type { SigningSession, TokenFailure } from '../token/token-service.ts'
import { type Approved, lastChanged } from './approve.ts'
import { type DeskPorts, move, sayOf } from './desk-ports.ts'
import { openIncident, tallyOf } from './incident.ts'
import { comparesWithLast, rememberSigned, signedText, takeTurn } from './last-signed.ts'
import type { RequestEffect } from './machine.ts'
import { keyNotActive } from './open-keys.ts'
import { inSigningOrder, oneAfterAnother } from './signing-form.ts'
import { cancelled, type RunEnd, runSigning } from './signing-run.ts'
import { filesOfSheet } from './use-of-key.ts'

/** Signs what an approval covers and is not settled yet, records how it ended, and closes the sessions. What has to follow is the answer. */
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
    await approved.close()
  }
}

async function signFiles(ports: DeskPorts, approved: Approved, signal: AbortSignal): Promise<readonly RequestEffect[]> {
  const { sheet } = approved
  const toSign = filesOfSheet(sheet).length
  const uses: KeyUse[] = []
  try {
    for (const { fingerprint } of keysOf(sheet)) {
      const use = await ports.keys.use(sheet.purpose, fingerprint)
      if (use === null) return await ended(ports, approved, toSign, { kind: 'stopped', failure: keyNotActive })
      uses.push(use)
    }
    const stop = AbortSignal.any([signal, ...uses.map((use) => use.signal)])
    const end = await signWithEach(ports, approved, { stop, keysOut: AbortSignal.any(uses.map((use) => use.signal)) })
    const active = await endAll(uses.splice(0))
    // Whoever stopped it, the key decides how it can go on.
    const taken = end.kind === 'stopped' && end.failure.code === 'cancelled' && !active
    return await ended(ports, approved, toSign, taken ? { kind: 'stopped', failure: keyNotActive } : end)
  } finally {
    await endAll(uses)
  }
}

/** Whether each key could be used to the end. */
async function endAll(uses: readonly KeyUse[]): Promise<boolean> {
  let active = true
  for (const use of uses) active = (await use.end()) && active
  return active
}

/**
 * With one key, the run of its files. With several, those after the first make their parts, one key after another, and the first key then
 * completes each file: no output exists before all have signed.
 */
async function signWithEach(
  ports: DeskPorts,
  approved: Approved,
  signals: { readonly stop: AbortSignal; readonly keysOut: AbortSignal },
): Promise<RunEnd> {
  const { keys } = approved
  const further = keys.slice(1).map(({ certificate }) => certificate)
  for (const index of [...keys.keys()].slice(1)) {
    const end = await signWithKey(ports, approved, index, [], signals)
    if (end.kind !== 'finished') return end
    // A part that failed is never made again: its file is settled, and no other key signs it for nothing.
    if (await partsFailed(ports, approved.sheet.requestId)) return { kind: 'finished' }
  }
  return signWithKey(ports, approved, 0, further, signals)
}

async function signWithKey(
  ports: DeskPorts,
  { row, sheet, sheetDigest, keys, progress }: Approved,
  keyIndex: number,
  further: readonly SigningCertificate[],
  { stop, keysOut }: { readonly stop: AbortSignal; readonly keysOut: AbortSignal },
): Promise<RunEnd> {
  const key = keys[keyIndex]
  if (key === undefined) throw new Error(`key ${keyIndex} was not opened`)
  const id = sheet.requestId
  const files = inSigningOrder(filesOfSheet(sheet, keyIndex))
  const before = await tallyOf(ports.db, id, files.length)
  const settled = await settledOrdinals(ports, id, keyIndex)
  const say = (signed: number) => {
    // A further key's signature completes nothing.
    if (keyIndex > 0) return
    progress.signed(signed)
    sayOf(ports, row, `Signing station: signed ${before.signed + signed} of ${files.length}`)
  }
  say(0)
  const left = files.filter(({ file }) => !settled.has(file.ordinal))
  // Between two keys nothing is at a token: what stops then stops there.
  if (left.length > 0 && stop.aborted) return { kind: 'stopped', failure: cancelled }
  return runSigning({
    db: ports.db,
    log: ports.log,
    context: {
      request: row,
      sheet,
      sheetDigest,
      operator: ports.settings().operatorName,
      audit: ports.audit,
      now: ports.now,
    },
    files: left,
    oneAfterAnother: oneAfterAnother(sheet),
    session: untilStopped(key.session, keysOut),
    signer: ports.signer,
    certificate: key.certificate,
    further,
    pathOf: (ordinal) => ports.spool.pathOf(id, ordinal),
    signal: stop,
    onProgress: say,
  })
}

/** A session that asks the token for nothing once the key must not be used: an intent that was written meanwhile is withdrawn. */
function untilStopped(session: SigningSession, stop: AbortSignal): SigningSession {
  return {
    sign: async (request) => (stop.aborted ? err(notAsked) : session.sign(request)),
    signMany: async (requests, onOutcome) => (stop.aborted ? [err(notAsked)] : session.signMany(requests, onOutcome)),
    close: () => session.close(),
  }
}

/** Files that have an outcome of this key, or an intent whose outcome is not known: it is never asked for them again. */
async function settledOrdinals(ports: DeskPorts, id: RequestId, keyIndex: number): Promise<ReadonlySet<number>> {
  const rows =
    keyIndex === 0
      ? await ports.db
          .selectFrom('signature')
          .select('ordinal')
          .where('request_id', '=', id)
          .where('state', '<>', 'withdrawn')
          .execute()
      : await ports.db
          .selectFrom('further_signature')
          .select('ordinal')
          .where('request_id', '=', id)
          .where('position', '=', keyIndex)
          .where('state', '<>', 'withdrawn')
          .execute()
  return new Set(rows.map((row) => row.ordinal))
}

async function partsFailed(ports: DeskPorts, id: RequestId): Promise<boolean> {
  const failed = await ports.db
    .selectFrom('further_signature')
    .select('ordinal')
    .where('request_id', '=', id)
    .where('state', 'in', ['failed', 'unknown'])
    .executeTakeFirst()
  return failed !== undefined
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
  const release = await signedText(ports.spool, sheet)
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
