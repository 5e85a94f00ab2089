import { type DeviceDuties, type DeviceRequest, optionValue } from '../log-host/device-server.ts'
import { LogHostError } from '../log-host/log-host-error.ts'
import { DeviceRefusal, errorCode } from '../log-host/message.ts'
import type { HostAnswer, HostFailure } from '../protocol.ts'
import { HsmSession, hsmType } from './hsm-session.ts'

/** Capability bits (lib/yubihsm.h of yubihsm-shell 2.8.0). */
const capability = { signPkcs: 5, signEcdsa: 7, exportableUnderWrap: 16 } as const
const option = { forceAudit: 1, commandAudit: 3 } as const
/** SIGN PKCS1, PSS, ECDSA, EDDSA. */
const signingCommands = [0x47, 0x55, 0x56, 0x6a] as const

/** What a ceremony does with one YubiHSM outside of PKCS#11. It knows no command that signs for anybody. */
export const hsmDuties: DeviceDuties = {
  run: async (request, inChannel) => {
    const inSession = <T>(work: (session: HsmSession, keyId: number) => Promise<T>) =>
      inChannel((channel, keyId) => work(new HsmSession(channel), keyId))
    switch (request.op) {
      case 'hsm-object':
        return await inSession(async (session) => {
          const info = await session.objectInfo(request.objectId, hsmType[request.type])
          const asymmetric = info !== null && request.type === 'asymmetric-key'
          return info === null ? null : { ...info, spki: asymmetric ? await session.publicKey(request.objectId) : null }
        })
      case 'hsm-generate':
        return await inSession((session, keyId) => generate(session, keyId, request))
      case 'hsm-export':
        return await inSession((session) =>
          session.exportWrapped(request.wrapKeyId, hsmType['asymmetric-key'], request.objectId),
        )
      case 'hsm-import':
        return await inSession((session) => session.importWrapped(request.wrapKeyId, request.wrapped))
      case 'hsm-delete':
        return await inSession(async (session) => {
          await session.delete(request.objectId, hsmType[request.type])
          return null
        })
      case 'hsm-attest':
        return await inSession((session) => session.attest(request.objectId))
      case 'hsm-audit':
        return await inSession(async (session) => {
          const { force, signatures } = request
          if (signatures !== null)
            await session.setOption(
              option.commandAudit,
              Uint8Array.from(signingCommands.flatMap((code) => [code, signatures])),
            )
          if (force !== null) await session.setOption(option.forceAudit, Uint8Array.of(force))
          return await auditOf(session)
        })
      default:
        throw new LogHostError('token-error', 'this process looks after a device and does nothing else')
    }
  },
  failureOf: (error): HostFailure => {
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
  },
}

/**
 * A key that signs and may leave under a wrap key, in all domains of the authentication key, as yubihsm_pkcs11 makes its keys. PKCS#11 asks
 * for such a key by an attribute that means "may leave in clear" elsewhere; here it is said by its name. Never over what is there.
 */
async function generate(
  session: HsmSession,
  keyId: number,
  { objectId, label, algorithm }: Extract<DeviceRequest, { op: 'hsm-generate' }>,
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
    for (let at = 0; at + 1 < pairs.length; at += 2) if (pairs[at] === code) return optionValue(pairs[at + 1])
    return 0
  })
  return { force: optionValue(force), signatures: optionValue(Math.min(...values)) }
}
