import { Pin } from '../host/pin.ts'
import { askDevice, type Credentials, type Exchange } from '../log-host/device.ts'
import { LogHostError } from '../log-host/log-host-error.ts'
import { DeviceRefusal, errorCode } from '../log-host/message.ts'
import { credentialsOf } from '../log-host/serve.ts'
import {
  descriptors,
  type HostAnswer,
  type HostFailure,
  type HostMessage,
  type HostOperation,
  type HostRequest,
} from '../protocol.ts'
import { HsmSession, hsmType } from './hsm-session.ts'

type Request = Exclude<HostRequest, { op: 'cancel' }>

/** Capability bits (lib/yubihsm.h of yubihsm-shell 2.8.0). */
const capability = { signPkcs: 5, signEcdsa: 7, exportableUnderWrap: 16 } as const
const option = { forceAudit: 1, commandAudit: 3 } as const
/** SIGN PKCS1, PSS, ECDSA, EDDSA. */
const signingCommands = [0x47, 0x55, 0x56, 0x6a] as const

/** What a ceremony does with one YubiHSM outside of PKCS#11. It knows no command that signs for anybody. */
export class HsmServer {
  readonly #exchange: Exchange
  readonly #send: (message: HostMessage) => void
  #login: (Credentials & { readonly serial: number }) | null = null
  #last: Promise<void> = Promise.resolve()

  constructor(exchange: Exchange, send: (message: HostMessage) => void) {
    this.#exchange = exchange
    this.#send = send
  }

  /** Rejects with a defect only. */
  receive(request: HostRequest): Promise<void> {
    if (request.op === 'cancel') return Promise.resolve()
    this.#last = this.#last.then(() => this.#answer(request))
    return this.#last
  }

  async #answer(request: Request): Promise<void> {
    try {
      this.#send({ kind: 'done', id: request.id, value: await this.#run(request), calls: 0 })
    } catch (error) {
      this.#send({ kind: 'failed', id: request.id, error: failureOf(error), calls: 0 })
    }
  }

  async #run(request: Request): Promise<HostAnswer<HostOperation>> {
    switch (request.op) {
      case 'log-device': {
        const { serial, firmware, capacity, used } = await askDevice(this.#exchange)
        return { serial, firmware, capacity, used }
      }
      case 'log-login':
        return this.#logIn(request.serial, request.pinLength)
      case 'hsm-object':
        return await this.#inSession(async (session) => {
          const info = await session.objectInfo(request.objectId, hsmType[request.type])
          const asymmetric = info !== null && request.type === 'asymmetric-key'
          return info === null ? null : { ...info, spki: asymmetric ? await session.publicKey(request.objectId) : null }
        })
      case 'hsm-generate':
        return await this.#inSession((session, keyId) => generate(session, keyId, request))
      case 'hsm-export':
        return await this.#inSession((session) =>
          session.exportWrapped(request.wrapKeyId, hsmType['asymmetric-key'], request.objectId),
        )
      case 'hsm-import':
        return await this.#inSession((session) => session.importWrapped(request.wrapKeyId, request.wrapped))
      case 'hsm-delete':
        return await this.#inSession(async (session) => {
          await session.delete(request.objectId, hsmType[request.type])
          return null
        })
      case 'hsm-attest':
        return await this.#inSession((session) => session.attest(request.objectId))
      case 'hsm-audit':
        return await this.#inSession(async (session) => {
          const { force, signatures } = request
          if (signatures !== null)
            await session.setOption(
              option.commandAudit,
              Uint8Array.from(signingCommands.flatMap((code) => [code, signatures])),
            )
          if (force !== null) await session.setOption(option.forceAudit, Uint8Array.of(force))
          return await auditOf(session)
        })
      case 'close':
        this.#login?.longTerm.fill(0)
        this.#login = null
        return null
      default:
        throw new LogHostError('token-error', 'this process looks after a device and does nothing else')
    }
  }

  #logIn(serial: number, pinLength: number): null {
    // Read first, whatever follows: bytes left in the pipe would be taken for the next PIN.
    const pin = Pin.read(descriptors.pinPipe, pinLength)
    try {
      if (this.#login !== null) throw new LogHostError('token-error', 'logged in already')
      this.#login = { ...credentialsOf(pin.bytes()), serial }
    } finally {
      pin.wipe()
    }
    return null
  }

  async #inSession<T>(work: (session: HsmSession, keyId: number) => Promise<T>): Promise<T> {
    if (this.#login === null) throw new LogHostError('token-error', 'not logged in')
    const session = await HsmSession.open(this.#exchange, this.#login, this.#login.serial)
    try {
      return await work(session, this.#login.keyId)
    } finally {
      await session.close()
    }
  }
}

/**
 * A key that signs and may leave under a wrap key, in all domains of the authentication key, as yubihsm_pkcs11 makes its keys. PKCS#11 asks
 * for such a key by an attribute that means "may leave in clear" elsewhere; here it is said by its name. Never over what is there.
 */
async function generate(
  session: HsmSession,
  keyId: number,
  { objectId, label, algorithm }: Extract<Request, { op: 'hsm-generate' }>,
): Promise<Uint8Array> {
  if ((await session.objectInfo(objectId, hsmType['asymmetric-key'])) !== null)
    throw new LogHostError('id-occupied', `object ${objectId}`)
  const own = await session.objectInfo(keyId, hsmType['authentication-key'])
  if (own === null) throw new LogHostError('hsm-refused', 'the authentication key does not see itself')
  const sign = algorithm.startsWith('rsa') ? capability.signPkcs : capability.signEcdsa
  const capabilities = (1n << BigInt(sign)) | (1n << BigInt(capability.exportableUnderWrap))
  await session.generate(objectId, { label, algorithm, domains: own.domains, capabilities })
  return await madeKey(session, objectId)
}

/** It is there from now on: a refusal to show it (its log is full, say) must not be told as a refusal to make it. */
async function madeKey(session: HsmSession, objectId: number): Promise<Uint8Array> {
  try {
    const spki = await session.publicKey(objectId)
    if (spki !== null) return spki
  } catch (error) {
    if (!(error instanceof DeviceRefusal)) throw error
  }
  throw new LogHostError('token-error', 'the key that was made cannot be read')
}

/** What the device says now. */
async function auditOf(session: HsmSession): Promise<HostAnswer<'hsm-audit'>> {
  const [force = 0] = await session.option(option.forceAudit)
  const pairs = await session.option(option.commandAudit)
  const values = signingCommands.map((code) => {
    for (let at = 0; at + 1 < pairs.length; at += 2) if (pairs[at] === code) return valueOf(pairs[at + 1])
    return 0
  })
  return { force: valueOf(force), signatures: valueOf(Math.min(...values)) }
}

function valueOf(byte: number | undefined): 0 | 1 | 2 {
  if (byte === 0 || byte === 1 || byte === 2) return byte
  throw new LogHostError('token-error', 'an option has a value that is not known')
}

/** What is no failure of ours, of the device or of the way to it is thrown on: a defect. */
function failureOf(error: unknown): HostFailure {
  if (error instanceof LogHostError) return error.failure
  if (!(error instanceof DeviceRefusal)) throw error
  const detail = error.message
  switch (error.code) {
    case errorCode.insufficientPermissions:
      return { code: 'log-not-permitted', detail }
    case errorCode.authenticationFailed:
      return { code: 'pin-incorrect', detail }
    default:
      return { code: 'hsm-refused', detail }
  }
}
