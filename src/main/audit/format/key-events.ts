import { z } from 'zod'
import { attestationSource, attestationVerdict, attestedDevice } from '../../../shared/attestation.ts'
import { auditSeq, fingerprint, requestId, sha256Hex } from '../../../shared/ids.ts'
import { keyState } from '../../../shared/key.ts'
import { hexDigest, operator, purposeText, tokenSerial, word } from './entry-fields.ts'
import { exactText, messageText } from './text.ts'

// Events of keys: made, registered, attested, sealed anew, moved (docs/formats/audit-entry.md).

export const keyRegistered = z.strictObject({
  event: z.literal('key-registered'),
  purpose: purposeText,
  fingerprint,
  description: exactText(200),
  origin: z.enum(['generated', 'imported', 'unknown', 'software']),
  home: z.enum(['token', 'software']),
  tokenSerial,
  spkiSha256: sha256Hex,
  operator,
})
/** One look at what the maker of its token says of a key (docs/formats/attestation.md). */
export const keyAttested = z.strictObject({
  event: z.literal('key-attested'),
  purpose: purposeText,
  fingerprint,
  tokenSerial,
  source: attestationSource,
  verdict: attestationVerdict,
  /** SHA-256 of each certificate's DER, the statement first. */
  certificates: z.array(sha256Hex).max(16),
  operator,
})
/** The intent of the one use of a key that is not a signature for somebody: it proves that the token holds the key. */
export const possessionChallenged = z.strictObject({
  event: z.literal('possession-challenged'),
  purpose: purposeText,
  fingerprint,
  digest: hexDigest,
  tokenSerial,
  operator,
})
/** A key was made, and the intent of its first use: it signs its own certificate or the request for one, so the fingerprint is not known yet. */
export const keyGenerated = z.strictObject({
  event: z.literal('key-generated'),
  purpose: purposeText,
  description: exactText(200),
  algorithm: word,
  spkiSha256: sha256Hex,
  digest: hexDigest,
  tokenSerial,
  operator,
})
/** A token is about to be asked to make a key. Its end is `key-generated`, `key-generation-failed` or an incident that names it. */
export const keyGenerationIntended = z.strictObject({
  event: z.literal('key-generation-intended'),
  /** The request that asked for it; by hand: an id of its own. */
  requestId,
  purpose: purposeText,
  description: exactText(200),
  production: z.boolean(),
  algorithm: word,
  pinPolicy: word,
  touchPolicy: word,
  tokenSerial: exactText(64).min(1),
  ckaId: exactText(64).min(2),
  operator,
})
export const keyGenerationFailed = z.strictObject({
  event: z.literal('key-generation-failed'),
  requestId,
  intentSeq: auditSeq,
  code: word,
  message: messageText(2000),
  tokenSerial: exactText(64).min(1),
  operator,
})
/** A person ended the making of a key that is on the token and not registered. */
export const keyGenerationClosed = z.strictObject({
  event: z.literal('key-generation-closed'),
  requestId,
  spkiSha256: sha256Hex,
  note: exactText(1000),
  operator,
})
/** The key is known at a server, as an asset there. */
export const keyAssetCreated = z.strictObject({
  event: z.literal('key-asset-created'),
  requestId: requestId.nullable(),
  server: exactText(400),
  workspace: exactText(500),
  purpose: purposeText,
  fingerprint,
  assetId: z.int().positive(),
  operator,
})
export const keyStateChanged = z.strictObject({
  event: z.literal('key-state-changed'),
  purpose: purposeText,
  fingerprint,
  from: keyState,
  to: keyState,
  operator,
})
/** A service key, named by SHA-256 of its public half; `found`: it was in the folder, and the log had not named it before. */
export const serviceKeyAdded = z.strictObject({
  event: z.literal('service-key-added'),
  serviceKey: sha256Hex,
  file: exactText(255).min(1),
  how: z.enum(['made', 'found']),
  operator,
})
/**
 * A sealed record is replaced by one that holds the same key, sealed to another service key. For a signing key in the same commit as
 * the record; for the key of the log before its file is exchanged.
 */
export const keyReencrypted = z.strictObject({
  event: z.literal('key-reencrypted'),
  what: z.enum(['signing-key', 'log-key']),
  /** Null for the key of the log. */
  purpose: purposeText.nullable(),
  fingerprint: fingerprint.nullable(),
  /** Of the key that both records hold. */
  spkiSha256: sha256Hex,
  fromServiceKey: sha256Hex,
  toServiceKey: sha256Hex,
  /** SHA-256 of each sealed box. */
  oldBoxSha256: sha256Hex,
  newBoxSha256: sha256Hex,
  operator,
})
/** Keys of a dump are about to be taken over: each is challenged and registered by an entry of its own. */
export const keyImportBegun = z.strictObject({
  event: z.literal('key-import-begun'),
  /** SHA-256 of the dump. */
  dumpSha256: sha256Hex,
  format: z.enum(['postgresql-copy', 'django-json']),
  /** Keys that are about to be taken, and those that are left. */
  taking: z.int().positive(),
  leaving: z.int().nonnegative(),
  operator,
})
/** Sealed records are about to be written to a file that leaves the station. */
export const keysExported = z.strictObject({
  event: z.literal('keys-exported'),
  fileSha256: sha256Hex,
  keys: z.int().positive(),
  operator,
})
const attestationRoot = {
  name: exactText(1024),
  /** Of the certificate's DER. */
  sha256: sha256Hex,
  device: attestedDevice,
  role: z.enum(['root', 'intermediate']),
  operator,
}
/** From here on attestations may end at it. */
export const attestationRootAdded = z.strictObject({ event: z.literal('attestation-root-added'), ...attestationRoot })
export const attestationRootWithdrawn = z.strictObject({
  event: z.literal('attestation-root-withdrawn'),
  ...attestationRoot,
})
