import type { AttestationSource, AttestationVerdict } from '../../../shared/attestation.ts'
import type { TokenId } from '../../../shared/token.ts'
import type { TrustStore } from '../../pki/attestation/trust-store.ts'
import { type AttestedKey, type HandedIn, verifyAttestation } from '../../pki/attestation/verify-attestation.ts'
import type { TokenService } from '../../token/token-service.ts'

/** A look at a key's attestation, before it is recorded. */
export interface SeenAttestation {
  readonly source: AttestationSource
  readonly verdict: AttestationVerdict
  /** DER, the statement first; none for `not-offered` and `missing`. */
  readonly certificates: readonly Uint8Array[]
}

/** Where the key is, and its SubjectPublicKeyInfo. */
export interface PlacedKey {
  readonly token: TokenId
  readonly ckaId: string
  readonly spki: Uint8Array
}

export interface AttestationChecks {
  readonly store: TrustStore
  readonly now: Date
}

/** Asks the token for what its maker says of the key, and checks it. Costs no PIN. */
export async function askToken(
  tokens: Pick<TokenService, 'readAttestation'>,
  key: PlacedKey,
  checks: AttestationChecks,
): Promise<SeenAttestation> {
  const without = (verdict: Extract<AttestationVerdict, { kind: 'not-offered' | 'missing' }>): SeenAttestation => ({
    source: 'token',
    verdict,
    certificates: [],
  })
  // yubihsm_pkcs11 has no objects for them; the maker's own tool makes the files.
  if (isYubihsm(key.token)) return without({ kind: 'missing', why: 'files-wanted' })
  const read = await tokens.readAttestation(key.token, key.ckaId)
  if (!read.ok) return without({ kind: 'missing', why: 'token-not-read' })
  const { statement, device } = read.value
  if (statement === null) return without({ kind: 'not-offered', why: whyNone(key.token, device) })
  return check('token', key, { statement, others: device === null ? [] : [device] }, checks)
}

/** Checks what the operator brought in files. */
export function checkFiles(key: PlacedKey, handedIn: HandedIn, checks: AttestationChecks): SeenAttestation {
  return check('files', key, handedIn, checks)
}

function check(
  source: AttestationSource,
  key: PlacedKey,
  handedIn: HandedIn,
  checks: AttestationChecks,
): SeenAttestation {
  const { token, ckaId, spki } = key
  const device = isYubihsm(token) ? 'yubihsm' : 'yubikey-piv'
  const attested: AttestedKey = { device, spki, tokenSerial: token.serial, ckaId }
  return { source, ...verifyAttestation(attested, handedIn, checks) }
}

/** yubihsm_pkcs11's model; the name is all that there is to go by. */
function isYubihsm({ model }: TokenId): boolean {
  return model.startsWith('YubiHSM')
}

/** A module that shows the certificate of F9 shows statements too: then this key has none, because it was imported. */
function whyNone(
  token: TokenId,
  device: Uint8Array | null,
): 'no-statement-for-key' | 'module-shows-none' | 'other-device' {
  if (device !== null || token.model.startsWith('YubiKey')) return 'no-statement-for-key'
  // OpenSC names every PIV card so, a YubiKey among them, and shows no attestation of any.
  return token.model.startsWith('PKCS#15') || token.manufacturer.startsWith('piv')
    ? 'module-shows-none'
    : 'other-device'
}
