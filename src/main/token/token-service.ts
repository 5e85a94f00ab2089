import type { UsbDevice } from '../../shared/devices.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Sha256Hex } from '../../shared/ids.ts'
import type { KeyHome } from '../../shared/key.ts'
import type { GeneratedAlgorithm, KeyPolicies } from '../../shared/key-generation.ts'
import type { Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { KeyAlgorithm, TokenId, TokenObject, TokenSummary } from '../../shared/token.ts'

/** What can go wrong at a token, converted once at the edge from CKR numbers (PKCS#11 v3.1 §5.1.6). */
export type TokenFailureCode =
  | 'module-not-loadable'
  | 'module-crashed'
  | 'module-timeout'
  | 'token-absent'
  | 'token-removed'
  | 'token-ambiguous'
  | 'token-swapped'
  | 'key-absent'
  | 'key-ambiguous'
  | 'key-mismatch'
  | 'pin-incorrect'
  | 'pin-locked'
  | 'pin-last-try'
  | 'pin-length'
  | 'pin-wanted'
  | 'touch-timeout'
  | 'pin-each-time'
  | 'module-too-old'
  | 'mechanism-unsupported'
  | 'signature-wrong'
  | 'token-error'
  | 'session-ended'
  | 'service-key-absent'
  | 'service-key-unsafe'
  | 'sealed-damaged'
  | 'service-key-unwritable'
  | 'id-occupied'
  | 'generation-refused'
  | 'generation-unclear'
  | 'key-unprotected'
  | 'connector-silent'
  | 'connector-not-used'
  | 'log-not-permitted'
  | 'log-login-unsupported'
  | 'log-process-ended'
  | 'device-log-full'
  | 'hsm-silent'
  | 'hsm-not-reached'
  | 'hsm-refused'
  | 'hsm-not-permitted'
  | 'hsm-login-unsupported'
  | 'cancelled'
export type TokenFailure = Failure<TokenFailureCode>

/** A key as it is named to the token process. `sealed` is debusine's `nacl` record of a software key. */
export type KeyReference = {
  readonly home: KeyHome
  readonly algorithm: KeyAlgorithm
  readonly spkiSha256: Sha256Hex
  readonly sealed: { readonly publicKey: string; readonly encrypted: string } | null
  /**
   * What else the public key has to be, asked of what the token gives when the key is opened: of an OpenPGP key, the one that its certificate
   * names. Left out: its digest says all.
   */
  readonly accepts?: (spki: Uint8Array) => boolean
}

/**
 * How a key signs a digest, each with the digest's own length. X.509 and CMS formats take the first two, OpenPGP the others: an Ed25519
 * signature of OpenPGP is over the digest as its message (RFC 9580 §5.2.3).
 */
export type X509Scheme = 'rsa-pkcs1-sha256' | 'ecdsa-sha256'
export type SignatureScheme = X509Scheme | 'rsa-pkcs1-sha512' | 'ecdsa-sha512' | 'ed25519-sha512'

/**
 * What the token signs: a digest, never a file. `rsa-pkcs1` gets the DigestInfo built in the token process; an ECDSA answer is
 * r‖s (each the curve's length), an Ed25519 answer R‖S.
 */
export type SignatureRequest<S extends SignatureScheme = SignatureScheme> = {
  readonly scheme: S
  readonly digest: Uint8Array
}

/** An opened, logged-in, identity-checked key. One PIN entry; ends with `close`, the token's removal, or a lock of the desk. */
export interface SigningSession {
  /**
   * Signs one digest. Every signature is verified with the key's public key before it is handed out. A failure after the token
   * was asked (`module-crashed`, `module-timeout`, `token-removed`) means that the signature may exist. Of several keys, one whose
   * token did not get the request answers `session-ended`: nothing was signed.
   */
  sign(request: SignatureRequest): Promise<Result<Uint8Array, TokenFailure>>
  /**
   * Several in one message, in order; stops at the first failure, which is the last of the answer. `onOutcome` tells each as it
   * comes, so that the caller can go on with one file while the token signs the next.
   */
  signMany(
    requests: readonly SignatureRequest[],
    onOutcome?: (index: number, outcome: Result<Uint8Array, TokenFailure>) => void,
  ): Promise<readonly Result<Uint8Array, TokenFailure>[]>
  /**
   * Of several keys each is closed. The process of a token ends with the last of its keys, or with the first failure of any of them;
   * keys behind another module, and software keys, go on.
   */
  close(): Promise<void>
  /** Whether it ended by itself: its token went, its process died. Absent: the session does not tell before it is used. */
  isOver?(): boolean
}

/** What a person typed for one token. */
export interface TokenPin {
  readonly token: TokenId
  readonly pin: Secret
  readonly useLastTry: boolean
}

/** `position`: which of the keys, from 0. */
export type OpenFailure = TokenFailure & { readonly position: number }

export type TokenAttestation = { readonly statement: Uint8Array | null; readonly device: Uint8Array | null }

export interface TokenService {
  /** All tokens of all enabled modules. A module that fails does not hide the others. `refresh` restarts the token processes. */
  list(options: { readonly refresh: boolean }): Promise<{
    readonly tokens: readonly {
      readonly token: TokenSummary
      readonly objects: readonly TokenObject[]
      /** Names of PKCS#11, as the token gives them. */
      readonly mechanisms: readonly string[]
      readonly problem: TokenFailure | null
    }[]
    readonly modules: readonly { readonly path: string; readonly problem: TokenFailure | null }[]
  }>
  /** Finds the token again by its identity, logs in once, reads the public key back and compares it. Wipes the PIN whatever happens. */
  openSession(
    key: KeyReference,
    pin: Secret | null,
    options: {
      readonly useLastTry: boolean
      readonly signal: AbortSignal
      readonly onSignal: (signal: 'touch' | 'login') => void
      /** A key that wants the PIN for each signature is refused (`pin-each-time`): its session would keep the PIN. */
      readonly keepsNoPin?: true
    },
  ): Promise<Result<SigningSession, TokenFailure>>
  /**
   * Opens several keys for one approval, in order, or none: the first that cannot be opened closes those before it. One PIN for each token,
   * tried once, however many of its keys are opened, and none before every token was found and looked at. At most 16 keys. Wipes every
   * PIN whatever happens.
   */
  openSessions(
    keys: readonly KeyReference[],
    pins: readonly TokenPin[],
    options: {
      readonly signal: AbortSignal
      readonly onSignal: (signal: 'touch' | 'login') => void
      readonly keepsNoPin?: true
    },
  ): Promise<Result<readonly SigningSession[], OpenFailure>>
  /** Ends every session and every token process; the next call starts them anew. */
  reset(): Promise<void>
  /**
   * What is on USB now. Idle token processes are ended, because modules miss what came later and go on showing what went. A session
   * that is open is ended only if its own device is gone (`token-removed`); another device's coming or going does not touch it.
   */
  devicesChanged(devices: readonly UsbDevice[]): Promise<void>
  /** `newConfiguration`: what modules read when they start is another now, so that idle processes are ended; a session goes on. */
  setModules(paths: readonly string[], newConfiguration?: boolean): Promise<void>
  /** Public key (SPKI DER) of an object, read now. */
  readPublicKey(token: TokenId, ckaId: string): Promise<Result<Uint8Array, TokenFailure>>
  /** Certificates of the maker about a key (`statement`) and about the token (`device`), DER, as far as the module shows them. */
  readAttestation(token: TokenId, ckaId: string): Promise<Result<TokenAttestation, TokenFailure>>
  /** The same, with the token that has it as it is now: its label, its module, the state of its PIN. */
  seeKey(
    token: TokenId,
    ckaId: string,
  ): Promise<Result<{ readonly spki: Uint8Array; readonly token: TokenSummary }, TokenFailure>>
}

/**
 * Makes software keys. The private half is born and sealed in a token process; main gets the public half and the sealed record.
 * Service keys, too, are made and read there only: main never has the secret half of one.
 */
export interface SoftwareKeyMaker {
  /** Makes a service key if there is none. `there`: one was there, and was left alone. */
  ensureServiceKey(): Promise<Result<'made' | 'there', TokenFailure>>
  /** Whether the service key that opens a record is here and safe to use. Opens nothing. */
  opensSealed(sealed: { readonly publicKey: string }): Promise<Result<null, TokenFailure>>
  generateSoftwareKey(
    algorithm: 'rsa-2048' | 'rsa-3072' | 'rsa-4096',
  ): Promise<
    Result<
      { readonly spki: Uint8Array; readonly sealed: { readonly publicKey: string; readonly encrypted: string } },
      TokenFailure
    >
  >
}

/** debusine's `nacl` record without its `storage` word. */
export type SealedRecord = { readonly publicKey: string; readonly encrypted: string }

/** The key that a sealed record has to hold. */
export type SealedContent =
  | { readonly kind: 'private-key'; readonly spkiSha256: Sha256Hex }
  | { readonly kind: 'log-key'; readonly publicKey: Uint8Array }

/** A file in the folder of service keys. `publicKey` null: not safe to use, because of `problem`, and the folder with it. */
export type ServiceKeyFile = {
  readonly file: string
  readonly publicKey: Uint8Array | null
  readonly problem: string | null
}

/** Service keys as main may know them: names and public halves. */
export interface ServiceKeyKeeper {
  /** In sort order: the first encrypts. */
  listServiceKeys(): Promise<Result<readonly ServiceKeyFile[], TokenFailure>>
  /** Makes one more, which comes first. */
  makeServiceKey(): Promise<Result<{ readonly file: string; readonly publicKey: Uint8Array }, TokenFailure>>
  /** A token process for sealing records anew. The caller closes it. */
  openResealer(): Resealer
}

export interface Resealer {
  /** The same key sealed to the service key `to` (base64 of its public half). Opened again before it is handed out. */
  reseal(sealed: SealedRecord, holds: SealedContent, to: string): Promise<Result<SealedRecord, TokenFailure>>
  /** Whether the record opens and holds that key. */
  check(sealed: SealedRecord, holds: SealedContent): Promise<Result<null, TokenFailure>>
  close(): void
}

/** The key that signs the checkpoints of the log. Made and used in a token process; main has its public half and the sealed record. */
export interface LogKeyService {
  /** Needs a service key. `publicKey`: 32 bytes. */
  makeLogKey(): Promise<
    Result<
      {
        readonly publicKey: Uint8Array
        readonly sealed: { readonly publicKey: string; readonly encrypted: string }
      },
      TokenFailure
    >
  >
  /** 64 bytes over the three lines of a checkpoint; nothing else is signed. */
  signCheckpoint(
    key: {
      readonly publicKey: Uint8Array
      readonly sealed: { readonly publicKey: string; readonly encrypted: string }
    },
    text: string,
  ): Promise<Result<Uint8Array, TokenFailure>>
}

/** How an act that changes a token logs in: with the PIN, or with the security officer's, which is a YubiKey's management key as hex. */
export interface TokenLogin {
  readonly user: 'user' | 'security-officer'
  /** Wiped whatever happens. */
  readonly secret: Secret
  readonly useLastTry: boolean
  readonly onSignal: (signal: 'touch' | 'login') => void
}

export interface GeneratedKey {
  readonly spki: Uint8Array
  /** The token's own words about the private half; null: it does not say. */
  readonly local: boolean | null
  readonly sensitive: boolean | null
  readonly extractable: boolean | null
}

/** `keyMayExist`: the token was asked, so that a key may be on it that nobody knows. */
export type GenerationFailure = TokenFailure & { readonly keyMayExist: boolean }

/** Makes keys on tokens. Each act is a login of its own, in a token process that ends with it. */
export interface TokenKeyMaker {
  /** What the token can make, and which ids are seen to be taken before a login. Costs no PIN. */
  generationAbilities(
    token: TokenId,
  ): Promise<
    Result<{ readonly algorithms: readonly GeneratedAlgorithm[]; readonly taken: readonly string[] }, TokenFailure>
  >
  /** Never over something that is there. Not to be cancelled: a token cannot be asked to stop. */
  generateKey(
    wanted: {
      readonly token: TokenId
      readonly ckaId: string
      readonly label: string
      readonly algorithm: GeneratedAlgorithm
      readonly policies: KeyPolicies
    },
    login: TokenLogin,
  ): Promise<Result<GeneratedKey, GenerationFailure>>
  /** Public key (SPKI DER) of a key that its token shows only after a login. Changes nothing. */
  revealPublicKey(
    key: { readonly token: TokenId; readonly ckaId: string },
    login: TokenLogin,
  ): Promise<Result<Uint8Array, TokenFailure>>
  /** Puts a certificate beside its key. `there`: it was there already. */
  storeCertificate(
    certificate: {
      readonly token: TokenId
      readonly ckaId: string
      readonly label: string
      readonly der: Uint8Array
      readonly spkiSha256: Sha256Hex
    },
    login: TokenLogin,
  ): Promise<Result<'stored' | 'there', TokenFailure>>
}
