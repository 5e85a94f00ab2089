import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, fingerprint, type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import type { KeyHome } from '../../../shared/key.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { armor } from '../../openpgp/armor.ts'
import { fingerprintHex, type OpenPgpPublicKey, spkiOf } from '../../openpgp/public-key.ts'
import {
  type CertifiedKey,
  type ReadOpenPgpCertificate,
  readOpenPgpCertificate,
  signingKeyFor,
} from '../../openpgp/read-certificate.ts'
import { publicKeyAlgorithm } from '../../pki/public-key-algorithm.ts'
import { lookAt } from '../attestation/attest-key.ts'
import { hiddenUntilLogin } from '../hidden-key.ts'
import { insertOpenPgpCertificate, listKeys } from '../key.repository.ts'
import { pkcs11Uri } from '../pkcs11-uri.ts'
import { known, provePossession, type Registration, type RegistrationInput, storeTokenKey } from '../register-key.ts'
import { listPrimaries } from './primary.repository.ts'
import { identityOf } from './stored-certificate.ts'

/**
 * Registers a token's key under an OpenPGP certificate that somebody else made. The fingerprint is made anew from the numbers that the
 * token gives and the creation time in the certificate; then the key proves possession as every key does.
 */
export async function registerOpenPgpKey(
  ports: Registration,
  input: RegistrationInput,
  operator: string,
): Promise<Result<Fingerprint, Failure>> {
  try {
    const certificate = await readOpenPgpCertificate(input.certificatePem, ports.now())
    if (!certificate.ok) return certificate
    const found = await keyOnToken(ports, certificate.value, input)
    if (!found.ok) return found
    const { signing, spki, spkiSha256 } = found.value
    const print = primaryFingerprint(certificate.value)
    if (print === null) return err(unsupportedPrimary)
    const keys = await listKeys(ports.db)
    if (keys.some((key) => key.purpose === input.purpose && key.fingerprint === print)) return err(known)
    // What was published before the revocation is easily had, and says nothing of it.
    for (const key of keys.filter((each) => each.openpgp !== null && each.fingerprint === print)) {
      const identity = await identityOf(key, ports.now())
      if (identity.ok && identity.value.problem === 'revoked') return err(revokedHere)
    }
    const other = keys.find((key) => key.spkiSha256 === spkiSha256 && key.openpgp !== null)
    const certifies = (await listPrimaries(ports.db)).find((each) => each.spkiSha256 === spkiSha256)
    if (certifies !== undefined && certifies.fingerprint !== fingerprintHex(signing.key))
      return err(otherTime({ signingFingerprint: certifies.fingerprint, created: certifies.created }, signing.key))
    if (other?.openpgp != null && other.openpgp.signingFingerprint !== fingerprintHex(signing.key))
      return err(otherTime(other.openpgp, signing.key))
    const algorithm = publicKeyAlgorithm(spki)
    const home: Extract<KeyHome, { kind: 'token' }> = {
      kind: 'token',
      token: input.token,
      ckaId: input.ckaId,
      pkcs11Uri: pkcs11Uri(input.token, input.ckaId),
    }
    const proven = await provePossession(ports, {
      reference: { home, algorithm, spkiSha256, sealed: null },
      scheme: signing.key.scheme,
      print,
      input,
      operator,
    })
    if (!proven.ok) return proven
    const certificatePem = armored(certificate.value.binary, signing.key)
    const seen = await lookAt(ports, { token: input.token, ckaId: input.ckaId, spki })
    const at = ports.now().toISOString()
    const stored = await storeTokenKey(
      {
        ...ports,
        also: async (trx) => {
          await insertOpenPgpCertificate(trx, {
            purpose: input.purpose,
            fingerprint: print,
            signing_fingerprint: fingerprintHex(signing.key),
            created: signing.key.created,
            certificate: certificatePem,
            revocation: null,
            why: 'brought',
            operator,
            at,
          })
          await ports.also?.(trx, print)
        },
      },
      {
        input: { ...input, certificatePem },
        certificate: { algorithm, spkiSha256 },
        print,
        home,
        seen,
        operator,
      },
    )
    return stored.ok ? ok(print) : stored
  } finally {
    input.pin.wipe()
  }
}

/** What has to be written beside the key in the transaction that registers it. */
export type Beside = (trx: Transaction<Database>, print: Fingerprint) => Promise<void>

export function armored(binary: Uint8Array, { version }: Pick<OpenPgpPublicKey, 'version'>): string {
  return armor('PGP PUBLIC KEY BLOCK', binary, version === 4)
}

/** Of the primary key: what debusine knows the key by. */
export function primaryFingerprint({ keys }: ReadOpenPgpCertificate): Fingerprint | null {
  const primary = keys.find(({ role }) => role === 'primary')
  return primary === undefined ? null : fingerprint.parse(fingerprintHex(primary.key))
}

interface OnToken {
  readonly signing: CertifiedKey
  readonly spki: Uint8Array
  readonly spkiSha256: Sha256Hex
}

/** The key of the certificate that the token has. A token that shows nothing before its login is asked by the proof of possession. */
async function keyOnToken(
  ports: Registration,
  certificate: ReadOpenPgpCertificate,
  { token, ckaId }: Pick<RegistrationInput, 'token' | 'ckaId'>,
): Promise<Result<OnToken, Failure>> {
  const read = await ports.tokens.readPublicKey(token, ckaId)
  if (!read.ok && !hiddenUntilLogin(token, read.error.code)) return read
  const candidates = read.ok ? [read.value] : certificate.keys.flatMap(({ key }) => spkiOf(key) ?? [])
  let refusal: Failure = notInIt
  for (const spki of candidates) {
    const signing = signingKeyFor(certificate, spki)
    if (signing.ok)
      return ok({
        signing: signing.value,
        spki,
        spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')),
      })
    refusal = signing.error
  }
  return err(refusal)
}

function otherTime(
  here: { readonly signingFingerprint: string; readonly created: number },
  key: OpenPgpPublicKey,
): Failure {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString()
  return {
    kind: 'refused',
    code: 'creation-time-differs',
    message: `This key of the token is registered here with the creation time ${time(here.created)}, as ${here.signingFingerprint}. The certificate gives it ${time(key.created)}, which makes it ${fingerprintHex(key)}: to OpenPGP another key. Nothing was registered.`,
  }
}

const revokedHere: Failure = {
  kind: 'refused',
  code: 'key-revoked',
  message: 'This station has the certificate for another purpose, and there it is revoked. Nothing was registered.',
}
const notInIt: Failure = {
  kind: 'refused',
  code: 'no-signing-key',
  message: 'The certificate holds no key of a kind that signs here. Nothing was registered.',
}
const unsupportedPrimary: Failure = {
  kind: 'refused',
  code: 'algorithm-unsupported',
  message: 'The certificate’s primary key is of a kind that this station does not know. Nothing was registered.',
}
