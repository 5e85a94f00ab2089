import { algorithm, digestOf, mgf1Hash, oaepOfHash, rsaBits } from '../algorithms.ts'
import { attest } from '../attestation/attest.ts'
import type { CapabilityName } from '../capabilities.ts'
import { command, objectType } from '../codes.ts'
import { signEd25519 } from '../keys/ed25519.ts'
import { type Curve, curveOf, sharedSecret, signDigest } from '../keys/elliptic.ts'
import { rsaModulus, rsaPrivateOperation } from '../keys/rsa.ts'
import { digestInfo, oaepMessage, pkcs1Block, pkcs1Message, pssBlock } from '../keys/rsa-padding.ts'
import { refuse } from '../message.ts'
import type { HsmObject } from '../objects.ts'
import { type Call, type CommandKind, objectOf, requireAlgorithm, requireCapability } from './command.ts'
import { ownId } from './look-at-objects.ts'

/** The key that a command names first; the algorithm comes before the permission, as the maker's tests have it of wrap keys. */
function keyOf(call: Call, name: CapabilityName, fits: (code: number) => boolean): HsmObject {
  const id = call.fields.u16()
  call.concerns(id)
  const key = objectOf(call, objectType.asymmetricKey, id)
  if (!fits(key.algorithm)) refuse('invalidData')
  requireAlgorithm(call, key.algorithm)
  requireCapability(key, name)
  return key
}

const isRsa = (code: number) => rsaBits.has(code)
const isEd25519 = (code: number) => code === algorithm.ed25519

function curveKey(call: Call, name: CapabilityName): { readonly key: HsmObject; readonly curve: Curve } {
  const key = keyOf(call, name, (code) => curveOf(code) !== null)
  return { key, curve: curveOf(key.algorithm) ?? refuse('invalidData') }
}

export const privateKeyCommands: readonly CommandKind[] = [
  {
    code: command.signPkcs1,
    needs: 'signPkcs',
    run(call) {
      const key = keyOf(call, 'signPkcs', isRsa)
      const data = call.fields.rest()
      const digest = digestOf.get(data.length)
      if (digest !== undefined) requireAlgorithm(call, digest.pkcs1)
      return rsaPrivateOperation(key.body, pkcs1Block(rsaModulus(key.body).length, digestInfo(data)))
    },
  },
  {
    code: command.signPss,
    needs: 'signPss',
    run(call) {
      const key = keyOf(call, 'signPss', isRsa)
      const mgf = call.fields.u8()
      const saltBytes = call.fields.u16()
      const data = call.fields.rest()
      requireAlgorithm(call, mgf)
      requireAlgorithm(call, digestOf.get(data.length)?.pss ?? refuse('wrongLength'))
      const mgfHash = mgf1Hash.get(mgf) ?? refuse('invalidData')
      return rsaPrivateOperation(key.body, pssBlock(rsaModulus(key.body).length, data, mgfHash, saltBytes))
    },
  },
  {
    code: command.signEcdsa,
    needs: 'signEcdsa',
    run(call) {
      const { key, curve } = curveKey(call, 'signEcdsa')
      const digest = call.fields.rest()
      if (digest.length === 0 || digest.length > 66) refuse('wrongLength')
      const known = digestOf.get(digest.length)
      if (known !== undefined) requireAlgorithm(call, known.ecdsa)
      return signDigest(curve, key.body, digest)
    },
  },
  {
    code: command.signEddsa,
    needs: 'signEddsa',
    run: (call) => signEd25519(keyOf(call, 'signEddsa', isEd25519).body, call.fields.rest()),
  },
  {
    code: command.deriveEcdh,
    needs: 'deriveEcdh',
    run(call) {
      const { key, curve } = curveKey(call, 'deriveEcdh')
      requireAlgorithm(call, algorithm.ecdh)
      const point = call.fields.bytes(1 + 2 * curve.bytes)
      call.fields.end()
      return sharedSecret(curve, key.body, point)
    },
  },
  {
    code: command.decryptPkcs1,
    needs: 'decryptPkcs',
    run(call) {
      const key = keyOf(call, 'decryptPkcs', isRsa)
      if (call.device.options.knowsAlgorithm(algorithm.rsaPkcs1Decrypt))
        requireAlgorithm(call, algorithm.rsaPkcs1Decrypt)
      return pkcs1Message(rsaPrivateOperation(key.body, call.fields.rest()))
    },
  },
  {
    code: command.decryptOaep,
    needs: 'decryptOaep',
    run(call) {
      const key = keyOf(call, 'decryptOaep', isRsa)
      const mgf = call.fields.u8()
      const block = call.fields.bytes(rsaModulus(key.body).length)
      const labelDigest = call.fields.rest()
      const { hash } = digestOf.get(labelDigest.length) ?? refuse('wrongLength')
      requireAlgorithm(call, mgf)
      requireAlgorithm(call, oaepOfHash[hash])
      const mgfHash = mgf1Hash.get(mgf) ?? refuse('invalidData')
      return oaepMessage(rsaPrivateOperation(key.body, block), labelDigest, mgfHash)
    },
  },
  {
    code: command.signAttestationCertificate,
    needs: 'signAttestationCertificate',
    run(call) {
      const id = call.fields.u16()
      const attestingId = call.fields.u16()
      call.concerns(id, attestingId)
      call.fields.end()
      const object = objectOf(call, objectType.asymmetricKey, id)
      if (attestingId === ownId) return attest(call.device, call.device.identity, object)
      const key = objectOf(call, objectType.asymmetricKey, attestingId)
      requireCapability(key, 'signAttestationCertificate')
      const certificate = objectOf(call, objectType.opaque, attestingId)
      if (certificate.algorithm !== algorithm.opaqueX509) refuse('invalidData')
      return attest(call.device, { key, certificate: certificate.body }, object)
    },
  },
  {
    code: command.signSshCertificate,
    needs: 'signSshCertificate',
    run(call) {
      const key = keyOf(call, 'signSshCertificate', isRsa)
      const template = objectOf(call, objectType.template, call.fields.u16())
      call.concerns(key.id, template.id)
      requireAlgorithm(call, call.fields.u8())
      // No request satisfies a template here: the format of templates is not public.
      return refuse('sshCaConstraint')
    },
  },
]
