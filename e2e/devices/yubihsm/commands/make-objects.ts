import { algorithm } from '../algorithms.ts'
import type { CapabilityName } from '../capabilities.ts'
import { command, type ObjectType, objectType, origin } from '../codes.ts'
import { refuse, u16 } from '../message.ts'
import { generatedSecret, importedSecret, nonceIdBytes, type Secret } from '../object-body.ts'
import { hasDelegated } from '../objects.ts'
import { type Call, type CommandKind, requireAlgorithm, requireMayGive } from './command.ts'
import { type NewObject, readNewObject } from './fields.ts'

function store(call: Call, type: ObjectType, made: NewObject, delegated: bigint, secret: Secret, from: number) {
  const { id, label, domains, capabilities, algorithm: code } = made
  const { body, seed } = secret
  const stored = call.device.objects.add({
    type,
    id,
    label,
    domains,
    capabilities,
    algorithm: code,
    delegated,
    origin: from,
    body,
    seed,
  })
  call.concerns(stored.id)
  return u16(stored.id)
}

function begin(call: Call, type: ObjectType): { readonly made: NewObject; readonly delegated: bigint } {
  const made = readNewObject(call.fields, type)
  call.concerns(made.id)
  const delegated = hasDelegated(type) ? call.fields.u64() : 0n
  requireAlgorithm(call, made.algorithm)
  requireMayGive(call, made.domains, made.capabilities, delegated)
  return { made, delegated }
}

function put(code: number, type: ObjectType, needs: CapabilityName, since?: readonly [number, number]): CommandKind {
  return {
    code,
    needs,
    ...(since === undefined ? {} : { since }),
    run(call) {
      const { made, delegated } = begin(call, type)
      const secret = importedSecret(type, made.algorithm, call.fields.rest())
      return store(call, type, made, delegated, secret, origin.imported)
    },
  }
}

function generate(
  code: number,
  type: ObjectType,
  needs: CapabilityName,
  since?: readonly [number, number],
): CommandKind {
  return {
    code,
    needs,
    ...(since === undefined ? {} : { since }),
    async run(call) {
      const { made, delegated } = begin(call, type)
      const nonceId = type === objectType.otpAeadKey ? call.fields.bytes(nonceIdBytes) : undefined
      call.fields.end()
      // Before the work, so that nothing is made that cannot be stored.
      if (made.id !== 0 && call.device.objects.find(type, made.id, 0xffff) !== null) refuse('objectExists')
      const secret = await generatedSecret(type, made.algorithm, nonceId)
      call.requirePower()
      return store(call, type, made, delegated, secret, origin.generated)
    },
  }
}

export const makeObjectCommands: readonly CommandKind[] = [
  put(command.putOpaque, objectType.opaque, 'putOpaque'),
  put(command.putAuthenticationKey, objectType.authenticationKey, 'putAuthenticationKey'),
  put(command.putAsymmetricKey, objectType.asymmetricKey, 'putAsymmetricKey'),
  put(command.putWrapKey, objectType.wrapKey, 'putWrapKey'),
  put(command.putHmacKey, objectType.hmacKey, 'putHmacKey'),
  put(command.putTemplate, objectType.template, 'putTemplate'),
  put(command.putOtpAeadKey, objectType.otpAeadKey, 'putOtpAeadKey'),
  put(command.putSymmetricKey, objectType.symmetricKey, 'putSymmetricKey', [2, 3]),
  put(command.putPublicWrapKey, objectType.publicWrapKey, 'putPublicWrapKey', [2, 4]),
  generate(command.generateAsymmetricKey, objectType.asymmetricKey, 'generateAsymmetricKey'),
  generate(command.generateHmacKey, objectType.hmacKey, 'generateHmacKey'),
  generate(command.generateWrapKey, objectType.wrapKey, 'generateWrapKey'),
  generate(command.generateOtpAeadKey, objectType.otpAeadKey, 'generateOtpAeadKey'),
  generate(command.generateSymmetricKey, objectType.symmetricKey, 'generateSymmetricKey', [2, 3]),
  {
    code: command.changeAuthenticationKey,
    needs: 'changeAuthenticationKey',
    since: [2, 1],
    run(call) {
      const id = call.fields.u16()
      call.concerns(id)
      const code = call.fields.u8()
      // A session changes its own key, and no other.
      if (id !== call.actor.id) refuse('invalidId')
      if (code !== algorithm.aes128Authentication && code !== algorithm.ecP256Authentication) refuse('invalidData')
      requireAlgorithm(call, code)
      const { body } = importedSecret(objectType.authenticationKey, code, call.fields.rest())
      const key = call.device.objects.get(objectType.authenticationKey, id, call.actor.domains)
      call.device.objects.replaceKey(key, { algorithm: code, body })
      return u16(id)
    },
  },
]
