import type { RequestRow } from '../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestId, Sha256Hex } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { ReviewSheet } from '../../shared/review-sheet.ts'
import { step } from '../app/steps.ts'
import { canonicalText } from '../canonical/canonical-json.ts'
import { changedSince } from '../policy/changed-since.ts'
import { approvability } from '../policy/evaluate.ts'
import { isApprovedInLog, notApprovedInLog } from './approval-in-log.ts'
import { isByHand } from './by-hand/hand.repository.ts'
import { type DeskPorts, move, notEnrolled, notFound, notNow, serverOf } from './desk-ports.ts'
import { comparesWithLast } from './last-signed.ts'
import { type OpenedKeys, openKeys, type TypedPins, wipePins } from './open-keys.ts'
import { findRequest, findSheet, heldReference } from './request.repository.ts'
import { parseState } from './transition.ts'
import { tokenEnded, workTokenEnded } from './work-token.ts'

export interface ApprovalInput extends TypedPins {
  readonly requestId: RequestId
  readonly sheetDigest: Sha256Hex
  readonly acknowledged: readonly string[]
}

/** An approval that is on record, with the keys that its PINs opened. */
export interface Approved extends OpenedKeys {
  readonly row: RequestRow
  readonly sheet: ReviewSheet
  readonly sheetDigest: Sha256Hex
}

/** The operator has the sheet on his screen. Only a sheet that was shown can be approved. */
export async function showSheet(ports: DeskPorts, id: RequestId, digest: Sha256Hex): Promise<Result<null, Failure>> {
  const row = await findRequest(ports.db, id)
  if (row === null) return err(notFound)
  const state = parseState(row.state)
  // What was approved ahead and stopped can go on by a person only, who has to have seen it then.
  const isDecided = state.kind === 'signing' || state.kind === 'interrupted'
  if (isDecided ? state.approval.sheetDigest !== digest : state.kind !== 'review') return ok(null)
  if (state.kind === 'review' && state.sheetDigest !== digest) return err(otherSheet)
  const written = await writeTransaction(ports.db, async (trx) => {
    const first = await trx
      .updateTable('review_sheet')
      .set({ shown_at: ports.now().toISOString() })
      .where('request_id', '=', id)
      .where('digest', '=', digest)
      .where('shown_at', 'is', null)
      .executeTakeFirst()
    if (first.numUpdatedRows === 0n) return
    await ports.audit.append(trx, [
      { event: 'sheet-shown', requestId: id, sheetDigest: digest, operator: ports.settings().operatorName },
    ])
  })
  return written.ok ? ok(null) : written
}

/**
 * Approves what was shown. In this order: the window's claims against our own record; the server's last word; the PIN, which
 * opens the token and reads the public key back; only then the decision is written. A wrong PIN is no decision.
 */
export async function approve(
  ports: DeskPorts,
  input: ApprovalInput,
  signal: AbortSignal,
): Promise<Result<Approved, Failure>> {
  try {
    const row = await findRequest(ports.db, input.requestId)
    if (row === null) return err(notFound)
    const claimed = await checkClaim(ports, row, input)
    if (!claimed.ok) return claimed
    const asked = await stillSo(ports, row, claimed.value)
    if (!asked.ok) return asked
    const opened = await openKeys(ports, row, claimed.value, input, signal)
    if (!opened.ok) return opened
    let approved = false
    try {
      const decided = await decide(ports, input, claimed.value)
      if (!decided.ok) return decided
      approved = true
      return ok({ row, sheet: claimed.value, sheetDigest: input.sheetDigest, ...opened.value })
    } finally {
      // Whatever went wrong: no token is left logged in.
      if (!approved) await opened.value.close()
    }
  } finally {
    wipePins(input)
  }
}

/** Goes on with an interrupted request under the approval that it has. */
export async function reopen(
  ports: DeskPorts,
  input: Omit<ApprovalInput, 'acknowledged'>,
  signal: AbortSignal,
): Promise<Result<Approved, Failure>> {
  try {
    const row = await findRequest(ports.db, input.requestId)
    if (row === null) return err(notFound)
    const state = parseState(row.state)
    if (state.kind !== 'interrupted') return err(notNow)
    if (state.approval.sheetDigest !== input.sheetDigest) return err(otherSheet)
    const stored = await findSheet(ports.db, input.requestId, input.sheetDigest)
    if (stored === null) return err(otherSheet)
    if (stored.shownAt === null) return err(notShown)
    if (!(await isApprovedInLog(ports.db, input.requestId, input.sheetDigest))) return err(notApprovedInLog)
    const asked = await stillSo(ports, row, stored.sheet)
    if (!asked.ok) return asked
    const opened = await openKeys(ports, row, stored.sheet, input, signal)
    if (!opened.ok) return opened
    let resumed = false
    try {
      const moved = await move(ports, input.requestId, { kind: 'resumed', sheetDigest: input.sheetDigest })
      if (!moved.ok) return moved
      resumed = true
      return ok({ row, sheet: stored.sheet, sheetDigest: input.sheetDigest, ...opened.value })
    } finally {
      // As with an approval: else the token stays logged in, and is in use until the station ends.
      if (!resumed) await opened.value.close()
    }
  } finally {
    wipePins(input)
  }
}

/** Invariant I7: the window can ask; what was shown, whether it can be approved and what must be acknowledged, main knows itself. */
async function checkClaim(
  ports: DeskPorts,
  row: RequestRow,
  input: ApprovalInput,
): Promise<Result<ReviewSheet, Failure>> {
  const state = parseState(row.state)
  if (state.kind !== 'review') return err(notNow)
  if (state.sheetDigest !== input.sheetDigest) return err(otherSheet)
  const stored = await findSheet(ports.db, input.requestId, input.sheetDigest)
  if (stored === null || stored.shownAt === null) return err(notShown)
  const may = approvability(stored.sheet.checks)
  if (may.kind === 'blocked') return err(blocked)
  if (!may.acknowledge.every((id) => input.acknowledged.includes(id))) return err(notAcknowledged)
  return ok(stored.sheet)
}

/** The request may have been aborted, a right withdrawn, a certificate run out or taken off the list, while a person was reading. */
export async function stillSo(ports: DeskPorts, row: RequestRow, sheet: ReviewSheet): Promise<Result<null, Failure>> {
  const changed = changedSince(sheet, { now: ports.now(), trustedList: ports.settings().trustedCerts })
  if (changed.length > 0) return err({ ...checksChanged, detail: changed.join(' ') })
  if (!(await comparesWithLast(ports.db, row, sheet))) return err(lastChanged)
  // Nobody else was asked, so nobody else can have changed his mind.
  if (isByHand(row)) return ok(null)
  const server = serverOf(ports, row)
  if (server === null) return err(notEnrolled)
  const held = heldReference(row)
  const still = await server.stillHeld(held)
  if (!still.ok) return still
  if (still.value === 'gone') {
    if (tokenEnded(row, ports.now())) return err(workTokenEnded)
    await move(ports, sheet.requestId, { kind: 'gone' })
    return err(gone)
  }
  for (const artifact of sheet.artifacts) {
    const shown = [
      { fingerprint: sheet.key.fingerprint, permission: artifact.permission },
      ...(sheet.furtherKeys ?? []).map(({ key, permission }) => ({ fingerprint: key.fingerprint, permission })),
    ]
    for (const { fingerprint, permission } of shown) {
      const now = await server.signPermission(held, { purpose: sheet.purpose, fingerprint }, artifact.artifactId)
      if (!now.ok) return now
      const { value } = now
      const may = (value.kind === 'answered' && value.allowed) || (value.kind === 'own-signature' && value.mine)
      if (!may) return err(permissionChanged)
      // Allowed, but to another person or for another package than the sheet shows and the log would name.
      if (canonicalText(value) !== canonicalText(permission)) return err(otherPermission)
    }
  }
  return ok(null)
}

async function decide(ports: DeskPorts, input: ApprovalInput, sheet: ReviewSheet): Promise<Result<null, Failure>> {
  const may = approvability(sheet.checks)
  const operator = ports.settings().operatorName
  const at = ports.now().toISOString()
  step('decision', 'before')
  const approval = { sheetDigest: input.sheetDigest, operator, at }
  const moved = await move(ports, input.requestId, { kind: 'approved', approval }, async (trx) => {
    await trx
      .insertInto('decision')
      .values({
        request_id: input.requestId,
        kind: 'approved',
        sheet_digest: input.sheetDigest,
        operator,
        reason: null,
        at,
      })
      .execute()
    return [
      {
        event: 'approved',
        requestId: input.requestId,
        sheetDigest: input.sheetDigest,
        // What had to be acknowledged, and was; whatever else the window named is no word of ours.
        acknowledged: may.kind === 'approvable' ? [...may.acknowledge].sort() : [],
        operator,
      },
    ]
  })
  step('decision', 'after')
  return moved.ok ? ok(null) : moved
}

const otherSheet: Failure = {
  kind: 'refused',
  code: 'sheet-changed',
  message:
    'The checks were made again since this was shown, and something differs. Nothing was approved. Read the new sheet.',
}
const notShown: Failure = {
  kind: 'refused',
  code: 'sheet-not-shown',
  message: 'This sheet was never on the screen. Nothing was approved.',
}
const blocked: Failure = {
  kind: 'refused',
  code: 'sheet-blocked',
  message: 'A check of this request is refused or unknown. It cannot be approved; it can be declined.',
}
const notAcknowledged: Failure = {
  kind: 'refused',
  code: 'not-acknowledged',
  message: 'What needs attention was not acknowledged by name. Nothing was approved. Tick each point, then approve.',
}
const gone: Failure = {
  kind: 'refused',
  code: 'request-gone',
  message: 'The server aborted the request while it was being read. Nothing was signed.',
}
const permissionChanged: Failure = {
  kind: 'refused',
  code: 'permission-withdrawn',
  message: 'The server no longer permits this signature. Nothing was signed. Make the checks again to see its answer.',
}
const otherPermission: Failure = {
  kind: 'refused',
  code: 'permission-changed',
  message:
    'The server now names another person or another package for this signature than was shown. Nothing was signed. Make the checks again and read the new sheet.',
}
const checksChanged: Failure = {
  kind: 'refused',
  code: 'checks-changed',
  message:
    'Since this was shown, the certificate of the key ran out, the list of trusted certificates was changed, or this program began to show more of such files. Nothing was signed. Make the checks again; a request that was interrupted can be stopped.',
}
/** The sheet has to be made again; nothing is wrong with the request. */
export const lastChangedCode = 'last-signed-changed'
export const lastChanged: Failure = {
  kind: 'refused',
  code: lastChangedCode,
  message:
    'Since this was shown, another index of its suite or another upload of its source was signed here, or is being signed, and the sheet does not compare with that. Nothing was signed. Make the checks again and read the new sheet; a request that was interrupted can be stopped.',
}
