import { randomUUID } from 'node:crypto'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, type RequestId, requestId, type Sha256Hex } from '../../../shared/ids.ts'
import type { KeyHome } from '../../../shared/key.ts'
import type { Purpose } from '../../../shared/purpose.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../../shared/secret.ts'
import type { StandingEnd } from '../../../shared/standing.ts'
import { standingLimits } from '../../../shared/standing-limits.ts'
import type { SigningCertificate } from '../../signing/signer.ts'
import type { SigningSession } from '../../token/token-service.ts'
import { type DeskPorts, notFound, notNow } from '../desk-ports.ts'
import { keyNotActive } from '../open-keys.ts'
import { findRequest, findSheet } from '../request.repository.ts'
import { copyOf } from '../run-log.ts'
import { parseState } from '../transition.ts'
import { coverageOf, type Grant } from './coverage.ts'
import { recordGrant } from './standing.repository.ts'

/** What a person grants: from a sheet that was in front of him, so that key and scope are this station's own. */
export interface GrantInput {
  readonly requestId: RequestId
  readonly sheetDigest: Sha256Hex
  readonly uses: number
  readonly minutes: number
  readonly pin: Secret
  readonly useLastTry: boolean
}

/** A grant with the session that its PIN opened. The PIN itself is nowhere: the token process wiped it. */
export interface LiveGrant extends Grant {
  readonly id: RequestId
  readonly purpose: Purpose
  readonly fingerprint: Fingerprint
  readonly keyDescription: string
  readonly home: Extract<KeyHome, { kind: 'token' }>
  readonly operator: string
  readonly session: SigningSession
  readonly certificate: SigningCertificate
  used: number
  /** A request is being approved or signed by it. */
  busy: boolean
  /** Latest time that this station's clock has said. */
  lastNow: number
  ended: StandingEnd | null
}

/** Opens the key with the PIN, and only then writes that the approval stands. */
export async function openGrant(
  ports: DeskPorts,
  input: GrantInput,
  others: readonly LiveGrant[],
): Promise<Result<LiveGrant, Failure>> {
  try {
    const asked = await readClaim(ports, input, others)
    if (!asked.ok) return asked
    const { scope, purpose, fingerprint, seesLock } = asked.value
    const registered = await ports.keys.find(purpose, fingerprint)
    const key = await ports.keys.forSigning(purpose, fingerprint)
    if (registered === null || key === null || registered.state !== 'active') return err(keyNotActive)
    const { home } = registered
    if (home.kind === 'software') return err(softwareKey)
    // A log that has to be taken out of the device around each signature wants the PIN around each signature.
    const runLog = ports.runLogs.begin(home.token, copyOf(input.pin))
    if (runLog !== null) {
      await runLog.end()
      return err(deviceKeepsLog)
    }
    const operator = ports.settings().operatorName
    const session = await ports.tokens.openSession(key.reference, input.pin, {
      useLastTry: input.useLastTry,
      signal: new AbortController().signal,
      onSignal: () => {},
    })
    if (!session.ok) {
      const written = await writeTransaction(ports.db, (trx) =>
        ports.audit.append(trx, [
          {
            event: 'login-failed',
            requestId: input.requestId,
            code: session.error.code,
            tokenSerial: home.token.serial,
            operator,
          },
        ]),
      )
      if (!written.ok) ports.log('audit.login-failure-not-recorded', { code: written.error.code })
      return session
    }
    const grantedAt = ports.now().getTime()
    const endsAt = grantedAt + input.minutes * 60_000
    const named = { id: requestId.parse(randomUUID()), purpose, fingerprint, scope, uses: input.uses, operator }
    const written = await writeTransaction(ports.db, (trx) =>
      recordGrant(trx, ports, {
        ...named,
        endsAt: new Date(endsAt).toISOString(),
        tokenSerial: home.token.serial,
        lockSeen: seesLock,
      }),
    )
    if (!written.ok) {
      await session.value.close()
      return written
    }
    return ok({
      ...named,
      home,
      keyDescription: registered.description,
      grantedAt,
      endsAt,
      steadyFrom: ports.standing.steady(),
      lockSeen: seesLock,
      session: session.value,
      certificate: key.certificate,
      used: 0,
      busy: false,
      lastNow: grantedAt,
      ended: null,
    })
  } finally {
    input.pin.wipe()
  }
}

/** The window says which sheet it shows; what is on it, and whether it was shown, this station knows itself. */
async function readClaim(ports: DeskPorts, input: GrantInput, others: readonly LiveGrant[]) {
  const row = await findRequest(ports.db, input.requestId)
  if (row === null) return err(notFound)
  const state = parseState(row.state)
  if (state.kind !== 'review' || state.sheetDigest !== input.sheetDigest) return err(notNow)
  const stored = await findSheet(ports.db, input.requestId, input.sheetDigest)
  if (stored === null || stored.shownAt === null) return err(notNow)
  const { sheet } = stored
  const scope = ports.standing.scopeOf(sheet)
  if (scope === null) return err(noScope)
  const { purpose } = sheet
  const { fingerprint } = sheet.key
  if (coverageOf({ purpose, fingerprint, scope }, sheet, scope).kind !== 'covered') return err(notAllPassed)
  const seesLock = ports.standing.seesLock()
  const longest = seesLock ? standingLimits.minutes : ports.standing.unseenMs / 60_000
  if (input.minutes > longest) return err(tooLong(longest, seesLock))
  if (others.some((other) => other.fingerprint === fingerprint && other.scope === scope)) return err(oneAlready)
  return ok({ scope, purpose, fingerprint, seesLock })
}

const noScope: Failure = {
  kind: 'refused',
  code: 'standing-not-for-this',
  message:
    'Requests of this kind are approved one by one: only repository indexes of a server are approved ahead. Nothing was granted.',
}
const notAllPassed: Failure = {
  kind: 'refused',
  code: 'standing-needs-passed',
  message:
    'A standing approval begins at a request whose checks have all passed. This one has a point that needs a person, or is refused or unknown. Nothing was granted.',
}
const oneAlready: Failure = {
  kind: 'refused',
  code: 'standing-there',
  message: 'There is a standing approval for this key and this suite already. Withdraw it first. Nothing was granted.',
}
const softwareKey: Failure = {
  kind: 'refused',
  code: 'standing-wants-token',
  message:
    'The key is kept in software and has no PIN: nothing would show that a person granted it. Nothing was granted.',
}
const deviceKeepsLog: Failure = {
  kind: 'refused',
  code: 'standing-device-log',
  message:
    'The log of this YubiHSM is taken out around each signature with its PIN, and a standing approval keeps no PIN. Nothing was granted; approve these requests one by one.',
}
function tooLong(minutes: number, seesLock: boolean): Failure {
  return {
    kind: 'refused',
    code: 'standing-too-long',
    message: seesLock
      ? `A standing approval lasts ${minutes / 60} hours at most. Nothing was granted.`
      : `This machine does not tell the station when its screen is locked, so a standing approval lasts ${minutes} minutes at most. Nothing was granted.`,
  }
}
