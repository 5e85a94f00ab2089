import { z } from 'zod'
import { answer, done, pin } from './answer.ts'
import { attestationRecord, attestationRoot, attestedDevice } from './attestation.ts'
import { fingerprint, requestId, sha256Hex } from './ids.ts'
import { registeredKey } from './key.ts'
import { generatedAlgorithm, generationPlan, keyGeneration, openPgpPlan } from './key-generation.ts'
import { importPreview, importReport, keyExport } from './key-import.ts'
import { logPath } from './log-path.ts'
import { purpose } from './purpose.ts'
import { reencryptionReport, serviceKeyList } from './service-key.ts'
import { tokenId } from './token.ts'
import { typedText } from './typed-text.ts'

/** Certificates as pasted PEM (empty: none), and files that main reads: PEM or DER, at most 64 KiB each. */
const certificateSource = {
  text: z.string().max(200_000),
  paths: z.array(logPath).max(8),
}

/** Of a key on a token, as its module lists it: anything else would name the same key otherwise. */
const ckaId = z.string().regex(/^(?:[0-9a-f]{2}){1,32}$/)

/** What is typed when a token makes a key. `officerPin`: a YubiKey's management key as hex digits; other tokens have none. */
const typedSecrets = { pin, officerPin: pin.nullable(), useLastTry: z.boolean() }

/** Another token's key, or another one of the same token, that signs in place of the key that certifies. */
const signingSubkey = z.strictObject({
  token: tokenId,
  ckaId,
  spkiSha256: sha256Hex.nullable(),
  /** Whether the key that certifies is to sign as well. */
  primarySigns: z.boolean(),
  /** Null: it is on the same token. */
  pin: pin.nullable(),
  useLastTry: z.boolean(),
})

/** The part of the contract that is about keys: registered, made, attested, sealed anew, moved. */
export const keyChannels = {
  'keys.list': { input: z.null(), output: answer(z.array(registeredKey)) },
  /** Registers a token's key: the token signs a challenge and the certificate verifies it (proof of possession). */
  'keys.register': {
    input: z.strictObject({
      purpose,
      token: tokenId,
      ckaId,
      certificatePem: z.string().max(64 * 1024),
      description: typedText(200),
      production: z.boolean(),
      pin,
      useLastTry: z.boolean(),
    }),
    output: answer(registeredKey),
  },
  /**
   * Makes an OpenPGP certificate for a key that is on a token, by the key itself, and registers the key that signs: that key, or `subkey`. The
   * creation time of both is now, for ever. `spkiSha256` null: the token shows the key only after its PIN.
   */
  'keys.certify-openpgp': {
    input: z.strictObject({
      purpose: purpose.exclude(['uefi']),
      token: tokenId,
      ckaId,
      spkiSha256: sha256Hex.nullable(),
      description: typedText(200),
      production: z.boolean(),
      plan: openPgpPlan,
      pin,
      useLastTry: z.boolean(),
      subkey: signingSubkey.exactOptional(),
    }),
    output: answer(registeredKey),
  },
  /** Gives an OpenPGP certificate another end, counted in days from now; null: none. */
  'keys.extend-openpgp': {
    input: z.strictObject({
      purpose,
      fingerprint,
      days: openPgpPlan.shape.days,
      pin,
      useLastTry: z.boolean(),
    }),
    output: answer(registeredKey),
  },
  /** Revokes an OpenPGP certificate; not to be taken back. */
  'keys.revoke-openpgp': {
    input: z.strictObject({
      purpose,
      fingerprint,
      reason: z.enum(['superseded', 'compromised', 'retired']),
      text: typedText(200),
      pin,
      useLastTry: z.boolean(),
    }),
    output: answer(registeredKey),
  },
  /** Takes a newer OpenPGP certificate of a registered key that was made elsewhere. Uses no key. */
  'keys.bring-openpgp': {
    input: z.strictObject({ purpose, fingerprint, certificate: z.string().max(64 * 1024) }),
    output: answer(registeredKey),
  },
  /**
   * Makes a UEFI key in software, with a self-signed certificate, and registers it. Always a test key, hence no field for it: a
   * copy of the station's folder is a copy of the key, and no PIN or touch stands before its use, so no signature of it shows
   * that a person at this desk made it.
   */
  'keys.create-software': {
    input: z.strictObject({ description: typedText(200) }),
    output: answer(registeredKey),
  },
  'keys.set-state': {
    input: z.strictObject({ purpose, fingerprint, state: z.enum(['active', 'suspended', 'retired']) }),
    output: done,
  },
  'keys.service-list': { input: z.null(), output: answer(serviceKeyList) },
  /** Makes a service key that encrypts from now on. What is sealed stays as it is until a rotation. */
  'keys.service-make': {
    input: z.null(),
    output: answer(z.strictObject({ file: z.string(), fingerprint: sha256Hex })),
  },
  /** Seals every record to the first service key. Answers when it is done; `keys.reencrypt-progress` comes meanwhile. */
  'keys.reencrypt': { input: z.null(), output: answer(reencryptionReport) },
  /** Stops between two records; the call answers with what was done. */
  'keys.reencrypt-stop': { input: z.null(), output: done },
  /** Reads a dump of debusine-signing's database, for reading only, and says of each key whether it would be taken. */
  'keys.import-preview': { input: z.strictObject({ path: logPath }), output: answer(importPreview) },
  /** Takes the keys of exactly the dump that was looked at; `keys.import-progress` comes meanwhile. */
  'keys.import': { input: z.strictObject({ path: logPath, dumpSha256: sha256Hex }), output: answer(importReport) },
  /** Stops between two keys; what was taken stays taken. */
  'keys.import-stop': { input: z.null(), output: done },
  /** Writes all software keys, sealed, to the exports folder in a form that debusine-signing loads. */
  'keys.export-software': { input: z.null(), output: answer(keyExport) },

  /** Every look at the attestation of every key, the newest first. */
  'keys.attestations': { input: z.null(), output: answer(z.array(attestationRecord)) },
  /** Asks the token for the attestation of a key again, and records what came of it. */
  'keys.attest': { input: z.strictObject({ purpose, fingerprint }), output: answer(attestationRecord) },
  /** Takes the attestation of a key from files that the maker's own tool wrote, and records what came of it. */
  'keys.import-attestation': {
    input: z.strictObject({ purpose, fingerprint, ...certificateSource }),
    output: answer(attestationRecord),
  },
  'roots.list': { input: z.null(), output: answer(z.array(attestationRoot)) },
  /** Shows what would be trusted; trusts nothing. */
  'roots.read': {
    input: z.strictObject(certificateSource),
    output: answer(z.array(attestationRoot.pick({ name: true, sha256: true, role: true, notAfter: true }))),
  },
  /** `confirmed`: the digests that were shown and that the operator compared with what the maker publishes. */
  'roots.add': {
    input: z.strictObject({
      ...certificateSource,
      device: attestedDevice,
      confirmed: z.array(sha256Hex).min(1).max(16),
    }),
    output: done,
  },
  'roots.withdraw': { input: z.strictObject({ sha256: sha256Hex, device: attestedDevice }), output: done },
  /**
   * Makes the key known at the server, as an asset in a workspace, in the name of the user whose API token is set. Answers with the
   * asset that is there already, if there is one.
   */
  'keys.create-asset': {
    input: z.strictObject({ purpose, fingerprint, workspace: typedText(200) }),
    output: answer(z.strictObject({ assetId: z.int().positive() })),
  },

  /** What a token can make, by its own list of mechanisms, and which ids are seen to be taken without a PIN. */
  'generation.abilities': {
    input: z.strictObject({ token: tokenId }),
    output: answer(z.strictObject({ algorithms: z.array(generatedAlgorithm), taken: z.array(z.string()) })),
  },
  /** Newest first: all that this station set out to make on tokens. */
  'generation.list': { input: z.null(), output: answer(z.array(keyGeneration)) },
  /**
   * Has a token make a key. A failure: nothing was written and the token holds what it held. Otherwise the answer says how far it
   * came; an id under which anything is stays as it is.
   */
  'generation.begin': {
    input: z.strictObject({ plan: generationPlan, ...typedSecrets }),
    output: answer(keyGeneration),
  },
  /** Goes on with a key that is on the token and has no certificate yet. */
  'generation.continue': { input: z.strictObject({ id: requestId, ...typedSecrets }), output: answer(keyGeneration) },
  'generation.bring-certificate': {
    input: z.strictObject({ id: requestId, certificatePem: z.string().max(64 * 1024), ...typedSecrets }),
    output: answer(keyGeneration),
  },
  /** Ends what is not settled: an incident, or a key that is not wanted. Deletes nothing on the token. */
  'generation.close': { input: z.strictObject({ id: requestId, note: typedText(1000) }), output: done },
  /** Approves a request for a key, or goes on with it: where and how the key is made. Answers when the decision is on disk. */
  'generation.serve': {
    input: z.strictObject({
      requestId,
      sheetDigest: sha256Hex,
      place: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('software') }),
        z.strictObject({ kind: z.literal('token'), plan: generationPlan, ...typedSecrets }),
        /** The key is on the token already; only its certificate is missing. */
        z.strictObject({ kind: z.literal('continue'), ...typedSecrets }),
      ]),
    }),
    output: done,
  },
} as const
