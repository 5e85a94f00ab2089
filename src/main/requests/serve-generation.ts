import type { Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import { type Fingerprint, requestId as parseRequestId, type RequestId, type Sha256Hex } from '../../shared/ids.ts'
import type { GenerationPlan } from '../../shared/key-generation.ts'
import type { Purpose } from '../../shared/purpose.ts'
import type { GenerationWish } from '../../shared/request.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Settings } from '../../shared/settings.ts'
import { step } from '../app/steps.ts'
import { generationOfRequest, type StoredGeneration } from '../keys/generation.repository.ts'
import type { TypedSecrets } from '../keys/key-maker.ts'
import { type DeskPorts, move, notEnrolled, notFound, notNow } from './desk-ports.ts'
import type { RequestEffect, Tally } from './machine.ts'
import { findRequest, findWish, heldReference } from './request.repository.ts'
import { parseState } from './transition.ts'
import { tokenEnded, workTokenEnded } from './work-token.ts'

/** Where the key of a request is to be made. */
export type Place =
  | { readonly kind: 'software' }
  | ({ readonly kind: 'token'; readonly plan: GenerationPlan } & TypedSecrets)
  | ({ readonly kind: 'continue' } & TypedSecrets)

export interface ServeInput {
  readonly requestId: RequestId
  readonly sheetDigest: Sha256Hex
  readonly place: Place
}

export interface ApprovedGeneration {
  readonly row: RequestRow
  readonly wish: GenerationWish
  readonly place: Place
  readonly operator: string
}

export function wipePlace(place: Place): void {
  if (place.kind === 'software') return
  place.pin.wipe()
  place.officerPin?.wipe()
}

/**
 * Approves what a request for a key asks for, at the place that a person chose, or goes on with it. In this order: the window's
 * claims against our own record; the station's policy; the server's last word; then the decision is on disk.
 */
export async function approveGeneration(
  ports: DeskPorts,
  input: ServeInput,
): Promise<Result<ApprovedGeneration, Failure>> {
  const row = await findRequest(ports.db, input.requestId)
  if (row === null) return err(notFound)
  const state = parseState(row.state)
  const resumes = state.kind === 'interrupted'
  if (!resumes && state.kind !== 'review') return err(notNow)
  const decidedOn = resumes ? state.approval.sheetDigest : state.sheetDigest
  const stored = await findWish(ports.db, input.requestId, input.sheetDigest)
  if (decidedOn !== input.sheetDigest || stored === null || stored.shownAt === null) return err(otherWish)
  const allowed = await checkPlace(ports, stored.wish, input.place)
  if (!allowed.ok) return allowed
  const server = ports.serverAt(row.server)
  if (server === null) return err(notEnrolled)
  const still = await server.stillHeld(heldReference(row))
  if (!still.ok) return still
  if (still.value === 'gone') {
    if (tokenEnded(row, ports.now())) return err(workTokenEnded)
    if (!resumes) await move(ports, input.requestId, { kind: 'gone' })
    return err(gone)
  }
  const operator = ports.settings().operatorName
  const decided = resumes
    ? await move(ports, input.requestId, { kind: 'resumed', sheetDigest: input.sheetDigest })
    : await decide(ports, input, operator)
  return decided.ok ? ok({ row, wish: stored.wish, place: input.place, operator }) : decided
}

function decide(ports: DeskPorts, { requestId, sheetDigest }: ServeInput, operator: string) {
  const at = ports.now().toISOString()
  step('decision', 'before')
  const decided = move(ports, requestId, { kind: 'approved', approval: { sheetDigest, operator, at } }, async (trx) => {
    await trx
      .insertInto('decision')
      .values({
        request_id: requestId,
        kind: 'approved',
        sheet_digest: sheetDigest,
        operator,
        reason: null,
        at,
      })
      .execute()
    // One key: what the list counts as its file.
    await trx.updateTable('request').set({ file_count: 1 }).where('id', '=', requestId).execute()
    return [{ event: 'approved', requestId, sheetDigest, acknowledged: [], operator }]
  })
  return decided.finally(() => step('decision', 'after'))
}

/** What the settings allow, and whether it is a key for what was asked. */
async function checkPlace(ports: DeskPorts, wish: GenerationWish, place: Place): Promise<Result<null, Failure>> {
  const { keyRequests } = ports.settings()
  if (!keyRequests.accept) return err(notAllowed)
  const begun = await generationOfRequest(ports.db, wish.requestId)
  switch (place.kind) {
    case 'software':
      // Keys in software are made for UEFI alone.
      if (wish.purpose !== 'uefi') return err(otherPurpose)
      if (begun !== null && begun.state !== 'failed' && begun.state !== 'closed') return err(keyIsThere)
      return keyRequests.software ? ok(null) : err(notAllowed)
    case 'continue':
      // Registered meanwhile, from the screen of keys: only the server is still to be told.
      return begun?.state === 'made' || begun?.state === 'registered' ? ok(null) : err(notNow)
    case 'token':
      if (!tokenAllowed(keyRequests, place.plan.token.serial)) return err(notAllowed)
      if (place.plan.purpose !== wish.purpose) return err(otherPurpose)
      // The server waits for a key that can be asked for, and that is one with a certificate.
      if (place.plan.certificate.kind === 'request') return err(wantsCertificate)
      return ok(null)
  }
}

function tokenAllowed({ tokens }: Settings['keyRequests'], serial: string): boolean {
  return tokens === 'any' || tokens.includes(serial)
}

/** Makes the key of an approved request, and records how that ended. What has to follow is the answer. */
export async function serveGeneration(
  ports: DeskPorts,
  { row, wish, place, operator }: ApprovedGeneration,
): Promise<readonly RequestEffect[]> {
  const id = parseRequestId.parse(row.id)
  ports.say(row.work_request_id, 'Signing station: a key is being made')
  if (place.kind === 'software') {
    const made = await ports.keyMaker.makeSoftware(wish.description, operator, (trx, print) =>
      named(trx, id, 'uefi', print),
    )
    return end(ports, id, made.ok ? { kind: 'made' } : { kind: 'stopped', failure: made.error })
  }
  const made =
    place.kind === 'token'
      ? await ports.keyMaker.make({ plan: place.plan, forRequest: id }, place, operator)
      : await goOn(ports, id, place, operator)
  return end(ports, id, made.ok ? endOf(made.value) : { kind: 'stopped', failure: made.error })
}

async function goOn(
  ports: DeskPorts,
  id: RequestId,
  secrets: TypedSecrets,
  operator: string,
): Promise<Result<StoredGeneration, Failure>> {
  const begun = await generationOfRequest(ports.db, id)
  if (begun?.state === 'made') return ports.keyMaker.goOn(begun.id, secrets, operator)
  secrets.pin.wipe()
  secrets.officerPin?.wipe()
  return begun?.state === 'registered' ? ok(begun) : err(notNow)
}

/** From the moment at which a key is registered for it, the request names it: that is what is returned, also after a crash. */
async function named(trx: Transaction<Database>, id: RequestId, purpose: Purpose, print: Fingerprint): Promise<void> {
  await trx.updateTable('request').set({ purpose, fingerprint: print, signed_count: 1 }).where('id', '=', id).execute()
}

type End =
  | { readonly kind: 'made' }
  | { readonly kind: 'made'; readonly purpose: Purpose; readonly fingerprint: Fingerprint }
  | { readonly kind: 'stopped'; readonly failure: Failure }
  | { readonly kind: 'lost' }

function endOf({ state, failure, fingerprint, plan }: StoredGeneration): End {
  if (state === 'incident') return { kind: 'lost' }
  if (state === 'registered' && fingerprint !== null) return { kind: 'made', purpose: plan.purpose, fingerprint }
  return { kind: 'stopped', failure: failure ?? stationStopped }
}

async function end(ports: DeskPorts, id: RequestId, how: End): Promise<readonly RequestEffect[]> {
  const moved =
    how.kind === 'made'
      ? await move(ports, id, { kind: 'signing-finished', tally: oneKey }, async (trx) => {
          if ('fingerprint' in how) await named(trx, id, how.purpose, how.fingerprint)
          return []
        })
      : how.kind === 'lost'
        ? // The incident is in the log already, with the making of the key.
          await move(ports, id, { kind: 'signing-lost', openOrdinals: [0] })
        : await move(ports, id, { kind: 'signing-stopped', failure: how.failure })
  if (moved.ok) return moved.value.effects
  ports.log('request.end-not-recorded', { request: id, code: moved.error.code })
  return []
}

const oneKey: Tally = { toSign: 1, signed: 1, failed: 0 }

/** After a start, or when nobody makes the key though the request says so: what follows from what is committed. Asks no token. */
export async function recoverGeneration(ports: DeskPorts, row: RequestRow): Promise<readonly RequestEffect[]> {
  const id = parseRequestId.parse(row.id)
  const before = parseState(row.state)
  if (before.kind === 'signing') {
    if (row.fingerprint !== null) return end(ports, id, { kind: 'made' })
    const begun = await generationOfRequest(ports.db, id)
    return end(ports, id, begun === null ? { kind: 'stopped', failure: stationStopped } : endOf(begun))
  }
  const moved = await move(ports, id, {
    kind: 'recovered',
    openOrdinals: [],
    tally: { toSign: 1, signed: 0, failed: 0 },
  })
  return moved.ok ? moved.value.effects : []
}

/** A person has looked at the token. Its key is never used for this request. */
export async function closeGenerationIncident(
  ports: DeskPorts,
  id: RequestId,
  note: string,
): Promise<Result<null, Failure>> {
  const begun = await generationOfRequest(ports.db, id)
  if (begun?.state === 'incident') {
    const closed = await ports.keyMaker.close(begun.id, note, ports.settings().operatorName)
    if (!closed.ok) return closed
  }
  const tally: Tally = { toSign: 1, signed: 0, failed: 1 }
  const moved = await move(ports, id, { kind: 'incident-closed', tally, note })
  return moved.ok ? ok(null) : moved
}

const gone: Failure = {
  kind: 'refused',
  code: 'no-longer-ours',
  message: 'The server took the request back. No key was made for it.',
}
const otherWish: Failure = {
  kind: 'refused',
  code: 'other-sheet',
  message: 'What is asked for is not what was shown. Nothing was decided. Look at the request again.',
}
const notAllowed: Failure = {
  kind: 'refused',
  code: 'place-not-allowed',
  message: 'The settings of this station do not allow a key to be made there for a request. No key was made.',
}
const keyIsThere: Failure = {
  kind: 'refused',
  code: 'generation-under-way',
  message: 'A key was begun on a token for this request. Finish or close that one first.',
}
const otherPurpose: Failure = {
  kind: 'refused',
  code: 'other-purpose',
  message: 'The request asks for a key of another purpose. No key was made.',
}
const wantsCertificate: Failure = {
  kind: 'refused',
  code: 'certificate-wanted',
  message:
    'The server waits for a key with its certificate; that of a CA would come later. No key was made. Choose a self-signed certificate, or decline and make the key by hand.',
}
const stationStopped: Failure = {
  kind: 'unavailable',
  code: 'station-stopped',
  message: 'The station stopped before the key was registered. Continue, or stop here.',
}
