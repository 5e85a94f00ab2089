import type { RequestRow } from '../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { KeyHome } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { keysOf, type ReviewSheet } from '../../shared/review-sheet.ts'
import type { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import type { SigningCertificate } from '../signing/signer.ts'
import type { KeyReference, OpenFailure, SigningSession, TokenPin } from '../token/token-service.ts'
import type { DeskPorts } from './desk-ports.ts'
import { tallyOf } from './incident.ts'
import { copyOf, drainedSession, type RunLog, saysThatLogIsFull } from './run-log.ts'
import { createProgress, type SigningProgress } from './signing-progress.ts'
import { filesOfSheet } from './use-of-key.ts'

/** What a person typed to open the keys of a sheet. */
export interface TypedPins {
  /** Of the first key's token. Null: that key is kept in software. */
  readonly pin: Secret | null
  readonly useLastTry: boolean
  /** Of each other token on which a further key is. */
  readonly furtherPins?: readonly TokenPin[]
}

export interface OpenedKey {
  readonly session: SigningSession
  readonly certificate: SigningCertificate
}

/** The keys of a sheet in its order, all open. Whoever has them closes them. */
export interface OpenedKeys {
  readonly keys: readonly OpenedKey[]
  readonly progress: SigningProgress
  close(): Promise<void>
}

/** Whatever was typed is gone from memory. */
export function wipePins({ pin, furtherPins = [] }: Pick<TypedPins, 'pin' | 'furtherPins'>): void {
  pin?.wipe()
  for (const each of furtherPins) each.pin.wipe()
}

interface KeyOfSheet {
  readonly home: KeyHome
  readonly reference: KeyReference
  readonly certificate: SigningCertificate
}

/** Opens every key that the sheet names, or none: nothing is approved while one of them could not sign. */
export async function openKeys(
  ports: DeskPorts,
  row: RequestRow,
  sheet: ReviewSheet,
  typed: TypedPins,
  signal: AbortSignal,
): Promise<Result<OpenedKeys, Failure>> {
  const keys: KeyOfSheet[] = []
  for (const { fingerprint } of keysOf(sheet)) {
    const registered = await ports.keys.find(sheet.purpose, fingerprint)
    if (registered === null || registered.state !== 'active') return err(keyNotActive)
    const key = await ports.keys.forSigning(sheet.purpose, fingerprint)
    if (key === null) return err(keyNotActive)
    keys.push({ home: registered.home, ...key })
  }
  // One private key under two certificates would sign twice; of those on a token the sheet says so.
  if (new Set(keys.map(({ reference }) => reference.spkiSha256)).size !== keys.length) return err(keyTwice)
  const pins = pinsOf(keys, typed)
  if (!pins.ok) return pins
  const total = filesOfSheet(sheet).length
  const { signed } = await tallyOf(ports.db, sheet.requestId, total)
  const progress = createProgress({ requestId: sheet.requestId, signed, total }, (said) =>
    ports.publish('signing.progress', said),
  )
  const opened = await openSessions(ports, keys, pins.value, (typedPins) =>
    ports.tokens.openSessions(
      keys.map(({ reference }) => reference),
      typedPins,
      { signal, onSignal: (waited) => progress.waitsFor(waited) },
    ),
  )
  if (opened.ok) {
    const { sessions, close } = opened.value
    return ok({
      keys: keys.flatMap(({ certificate }, index) => {
        const session = sessions[index]
        return session === undefined ? [] : [{ session: progress.watched(session), certificate }]
      }),
      progress,
      close,
    })
  }
  // Which key it was is said in the log; the window gets a failure like any other.
  const { position, ...failure } = opened.error
  const home = keys[position]?.home
  const refused = err(pins.value.length > 1 && home?.kind === 'token' ? named(home.token, failure) : failure)
  // The login was right; what is behind it has no room.
  if (failure.code === 'device-log-full') return refused
  const tokenSerial = home?.kind === 'token' ? home.token.serial : null
  const written = await writeTransaction(ports.db, (trx) =>
    ports.audit.append(trx, [
      {
        event: 'login-failed',
        requestId: sheet.requestId,
        code: failure.code,
        tokenSerial,
        operator: ports.settings().operatorName,
      },
    ]),
  )
  if (!written.ok) ports.log('audit.login-failure-not-recorded', { code: written.error.code, request: row.id })
  return refused
}

/** Where several tokens were asked, a person has to be told which one it is about. */
function named({ model, serial }: TokenId, failure: Failure): Failure {
  return { ...failure, message: `Of the token ${model}, serial ${serial}: ${failure.message}` }
}

/** One PIN for each token that has a key, and none for anything else: one that was typed for another key is not merely ignored. */
function pinsOf(keys: readonly KeyOfSheet[], typed: TypedPins): Result<readonly TokenPin[], Failure> {
  const tokens = distinct(keys.flatMap(({ home }) => (home.kind === 'token' ? [home.token] : [])))
  const first = keys[0]?.home
  if (first?.kind === 'software' && typed.pin !== null) return err(pinNotWanted)
  const given: readonly TokenPin[] = [
    ...(first?.kind === 'token' && typed.pin !== null
      ? [{ token: first.token, pin: typed.pin, useLastTry: typed.useLastTry }]
      : []),
    ...(typed.furtherPins ?? []),
  ]
  if (given.some(({ token }) => !tokens.some((wanted) => same(wanted, token)))) return err(pinNotWanted)
  if (distinct(given.map(({ token }) => token)).length !== given.length) return err(pinNotWanted)
  // Not left to the token: one that wants no PIN would sign without one, and the sheet's key is one that has a PIN.
  return given.length === tokens.length ? ok(given) : err(pinWanted)
}

function distinct(tokens: readonly TokenId[]): readonly TokenId[] {
  return tokens.filter((token, index) => tokens.findIndex((other) => same(other, token)) === index)
}

function same(a: TokenId, b: TokenId): boolean {
  return a.serial === b.serial && a.model === b.model && a.manufacturer === b.manufacturer
}

interface Opened {
  readonly sessions: readonly SigningSession[]
  readonly close: () => Promise<void>
}

/**
 * Opens the keys. Where a device keeps a log, that is taken out before anything is signed, with the same PIN: only once the token took it,
 * so that a wrong one is tried once.
 */
async function openSessions(
  ports: DeskPorts,
  keys: readonly KeyOfSheet[],
  pins: readonly TokenPin[],
  open: (pins: readonly TokenPin[]) => Promise<Result<readonly SigningSession[], OpenFailure>>,
): Promise<Result<Opened, OpenFailure>> {
  const logs = new Map<string, RunLog>()
  for (const { token, pin } of pins) {
    const runLog = ports.runLogs.begin(token, copyOf(pin))
    if (runLog !== null) logs.set(token.serial, runLog)
  }
  const spare = logs.size === 0 ? [] : pins.map((each) => ({ ...each, pin: copyOf(each.pin) }))
  const logOf = ({ home }: KeyOfSheet) => (home.kind === 'token' ? (logs.get(home.token.serial) ?? null) : null)
  let opened: readonly SigningSession[] = []
  const close = async () => {
    for (const session of opened) await session.close()
    for (const runLog of logs.values()) await runLog.end()
  }
  let handedOn = false
  try {
    let sessions = await open(pins)
    if (!sessions.ok && saysThatLogIsFull(sessions.error)) {
      const { position } = sessions.error
      const full = keys[position]
      const room = await (full === undefined ? null : logOf(full))?.makeRoom(1)
      if (room?.ok === false) return err({ ...room.error, position })
      if (room !== undefined) sessions = await open(spare)
    }
    if (!sessions.ok) return sessions
    opened = sessions.value
    for (const [position, key] of keys.entries()) {
      const room = await logOf(key)?.makeRoom(1)
      if (room?.ok === false) return err({ ...room.error, position })
    }
    handedOn = true
    return ok({
      sessions: opened.map((session, index) => {
        const key = keys[index]
        const runLog = key === undefined ? null : logOf(key)
        return runLog === null ? session : drainedSession(session, runLog)
      }),
      close,
    })
  } finally {
    for (const { pin } of spare) pin.wipe()
    // Also after a defect: no token is left logged in.
    if (!handedOn) await close()
  }
}

const pinNotWanted: Failure = {
  kind: 'refused',
  code: 'pin-not-wanted',
  message:
    'A PIN was given for a token that has no key of this request, or for a key that is kept in software and has none. The PIN was thrown away, and nothing was approved or signed. Look at which keys the sheet names.',
}
const pinWanted: Failure = {
  kind: 'refused',
  code: 'pin-wanted',
  message: 'A key of this request is on a token, and no PIN was given for it. Nothing was approved or signed.',
}
const keyTwice: Failure = {
  kind: 'refused',
  code: 'key-twice',
  message:
    'Two keys of this request are the same private key under two certificates: it would sign the index twice. No PIN was used, and nothing was approved or signed. Decline the request, and have the archive name each key once.',
}
export const keyNotActive: Failure = {
  kind: 'refused',
  code: 'key-not-active',
  message:
    'A key of this request is not active at this station: it was suspended or retired. Nothing more is signed with it; what is signed is kept. Make the key active again to go on.',
}
