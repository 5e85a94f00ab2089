import pkcs11js from 'pkcs11js'
import { CryptokiFailure, cryptokiError, HostError } from './pkcs11-error.ts'

export type Handle = Buffer
/** Attribute values by number, as the module gave them. An attribute that the object has not is absent. */
export type Attributes = ReadonlyMap<number, Buffer>

/** Objects read in one search; a YubiHSM holds 256, a YubiKey about 80. */
const maxObjects = 1024

/** CKS_RO_USER_FUNCTIONS and CKS_RW_USER_FUNCTIONS (PKCS#11 v3.1 §3.3); pkcs11js has no names for them. */
const userStates: ReadonlySet<number> = new Set([1, 3])

/** Touch and PIN policy need the vendor's numbers; ykcs11 2.7 and later have them. */
export const CKA_YUBICO_TOUCH_POLICY = 0xd9554201
export const CKA_YUBICO_PIN_POLICY = 0xd9554202

const userTypes = {
  user: pkcs11js.CKU_USER,
  'security-officer': pkcs11js.CKU_SO,
  context: pkcs11js.CKU_CONTEXT_SPECIFIC,
} as const

/**
 * The one PKCS#11 module of this process, cut down to the functions that signing needs, each counted. Every answer of the
 * module becomes a `CryptokiFailure`; session handles and slots do not leave the host.
 */
export class Pkcs11Module {
  readonly #lib: pkcs11js.PKCS11
  /** PKCS#11 functions called since the start. */
  calls = 0

  private constructor(lib: pkcs11js.PKCS11) {
    this.#lib = lib
  }

  static load(path: string): Pkcs11Module {
    // An empty path would open the executable itself.
    if (!path.startsWith('/')) throw new HostError('module-not-loadable', 'the path of a module must be absolute')
    const lib = new pkcs11js.PKCS11()
    try {
      lib.load(path)
    } catch (error) {
      // The text is the dynamic linker's and names the file and the reason ("invalid ELF header", "undefined symbol").
      throw new HostError(
        'module-not-loadable',
        error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown',
      )
    }
    const module = new Pkcs11Module(lib)
    try {
      // Without the flag, modules crash when they are called from more than one thread of the process.
      module.#ask('C_Initialize', 1, () => lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK }))
    } catch (error) {
      if (error instanceof CryptokiFailure) throw new HostError('module-not-loadable', error.message)
      throw error
    }
    return module
  }

  finalize(): void {
    this.#ask('C_Finalize', 1, () => this.#lib.C_Finalize())
  }

  slotsWithToken(): readonly Handle[] {
    // Asked for the number, then for the list.
    return this.#ask('C_GetSlotList', 2, () => this.#lib.C_GetSlotList(true))
  }

  tokenInfo(slot: Handle): pkcs11js.TokenInfo {
    return this.#ask('C_GetTokenInfo', 1, () => this.#lib.C_GetTokenInfo(slot))
  }

  openSession(slot: Handle, mode: 'read' | 'write' = 'read'): Handle {
    const flags = pkcs11js.CKF_SERIAL_SESSION | (mode === 'write' ? pkcs11js.CKF_RW_SESSION : 0)
    return this.#ask('C_OpenSession', 1, () => this.#lib.C_OpenSession(slot, flags))
  }

  closeSession(session: Handle): void {
    this.#ask('C_CloseSession', 1, () => this.#lib.C_CloseSession(session))
  }

  /** Whether a user is logged in, as the module has it. */
  isLoggedIn(session: Handle): boolean {
    const { state } = this.#ask('C_GetSessionInfo', 1, () => this.#lib.C_GetSessionInfo(session))
    return userStates.has(state)
  }

  login(session: Handle, user: keyof typeof userTypes, pin: string): void {
    this.#ask('C_Login', 1, () => this.#lib.C_Login(session, userTypes[user], pin))
  }

  mechanisms(slot: Handle): readonly number[] {
    // Asked for the number, then for the list.
    return this.#ask('C_GetMechanismList', 2, () => this.#lib.C_GetMechanismList(slot))
  }

  mechanismInfo(slot: Handle, mechanism: number): pkcs11js.MechanismInfo {
    return this.#ask('C_GetMechanismInfo', 1, () => this.#lib.C_GetMechanismInfo(slot, mechanism))
  }

  generateKeyPair(
    session: Handle,
    mechanism: number,
    publicTemplate: pkcs11js.Template,
    privateTemplate: pkcs11js.Template,
  ): pkcs11js.KeyPair {
    return this.#ask('C_GenerateKeyPair', 1, () =>
      this.#lib.C_GenerateKeyPair(session, { mechanism }, publicTemplate, privateTemplate),
    )
  }

  createObject(session: Handle, template: pkcs11js.Template): Handle {
    return this.#ask('C_CreateObject', 1, () => this.#lib.C_CreateObject(session, template))
  }

  findObjects(session: Handle, objectClass: number, id: Buffer | null): readonly Handle[] {
    const template: pkcs11js.Template = [{ type: pkcs11js.CKA_CLASS, value: objectClass }]
    if (id !== null) template.push({ type: pkcs11js.CKA_ID, value: id })
    this.#ask('C_FindObjectsInit', 1, () => this.#lib.C_FindObjectsInit(session, template))
    try {
      return this.#ask('C_FindObjects', 1, () => this.#lib.C_FindObjects(session, maxObjects))
    } finally {
      this.#ask('C_FindObjectsFinal', 1, () => this.#lib.C_FindObjectsFinal(session))
    }
  }

  /**
   * Reads attributes one by one: a single missing one makes the whole `C_GetAttributeValue` fail. An attribute that is missing
   * or sensitive is left out; an object that is gone is an error.
   */
  attributes(session: Handle, object: Handle, types: readonly number[]): Attributes {
    const values = new Map<number, Buffer>()
    for (const type of types) {
      try {
        // pkcs11js changes the template that it is given: a new one for each call. It asks twice, for lengths and for values.
        const read = this.#ask('C_GetAttributeValue', 2, () =>
          this.#lib.C_GetAttributeValue(session, object, [{ type }]),
        )
        const value = read[0]?.value
        if (Buffer.isBuffer(value)) values.set(type, value)
      } catch (error) {
        if (!(error instanceof CryptokiFailure && absent.has(error.cryptoki.number))) throw error
      }
    }
    return values
  }

  signInit(session: Handle, mechanism: number, key: Handle): void {
    this.#ask('C_SignInit', 1, () => this.#lib.C_SignInit(session, { mechanism }, key))
  }

  /** `output` has 512 bytes: a buffer that is too small would leave the operation alive. Returns a view of it. */
  sign(session: Handle, data: Buffer, output: Buffer): Buffer {
    return this.#ask('C_Sign', 1, () => this.#lib.C_Sign(session, data, output))
  }

  #ask<T>(method: string, calls: number, call: () => T): T {
    this.calls += calls
    try {
      return call()
    } catch (error) {
      const cryptoki = cryptokiError(error, method)
      if (cryptoki === null) throw error
      throw new CryptokiFailure(cryptoki)
    }
  }
}

const absent: ReadonlySet<number> = new Set([
  pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID,
  pkcs11js.CKR_ATTRIBUTE_SENSITIVE,
  pkcs11js.CKR_ATTRIBUTE_VALUE_INVALID,
])
