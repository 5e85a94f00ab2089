import { type ChildProcess, fork } from 'node:child_process'
import type { KeyPair, Mechanism, MechanismInfo, Template, TokenInfo } from 'pkcs11js'

export interface Pkcs11Call {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

export interface Pkcs11Answer {
  readonly id: number
  readonly value?: unknown
  /** `CKR_…`, or what else was thrown. */
  readonly failure?: string
}

/** The functions that tests call, in the form that waits: pkcs11js has each several times over, with callbacks and without. */
interface Functions {
  C_GetSlotList(tokenPresent: boolean): Buffer[]
  C_GetTokenInfo(slot: Buffer): TokenInfo
  C_GetMechanismList(slot: Buffer): number[]
  C_GetMechanismInfo(slot: Buffer, mechanism: number): MechanismInfo
  C_OpenSession(slot: Buffer, flags: number): Buffer
  C_CloseSession(session: Buffer): void
  C_Login(session: Buffer, userType: number, pin: string): void
  C_FindObjectsInit(session: Buffer, template: Template): void
  C_FindObjects(session: Buffer, count: number): Buffer[]
  C_FindObjectsFinal(session: Buffer): void
  C_GetAttributeValue(session: Buffer, object: Buffer, template: Template): Template
  C_CreateObject(session: Buffer, template: Template): Buffer
  C_DestroyObject(session: Buffer, object: Buffer): void
  C_GenerateKeyPair(session: Buffer, mechanism: Mechanism, publicKey: Template, privateKey: Template): KeyPair
  C_SignInit(session: Buffer, mechanism: Mechanism, key: Buffer): void
  C_Sign(session: Buffer, data: Buffer, room: Buffer): Buffer
}

/** What a PKCS#11 function of the module answered, when it was not CKR_OK. */
export class CryptokiError extends Error {
  readonly code: string

  constructor(name: string, code: string) {
    super(`${name}: ${code}`)
    this.code = code
  }
}

/** A PKCS#11 module in its own process, function by function. */
export class Pkcs11Process {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Pkcs11Answer) => void>()
  #last = 0

  private constructor(module: string, environment: Readonly<Record<string, string>>) {
    this.#child = fork(new URL('pkcs11-child.ts', import.meta.url), [module], {
      execArgv: [],
      // The module's configuration is named; none shall be found in the current folder.
      cwd: '/',
      env: { ...environment },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (answer: Pkcs11Answer) => this.#settle(answer))
    this.#child.on('exit', (code, signal) => {
      for (const id of this.#waiting.keys()) this.#settle({ id, failure: `the process ended (${signal ?? code})` })
    })
  }

  static async start(module: string, environment: Readonly<Record<string, string>>): Promise<Pkcs11Process> {
    const started = new Pkcs11Process(module, environment)
    const ready = await started.#answer(0)
    if (ready.failure !== undefined) throw new CryptokiError('C_Initialize', ready.failure)
    return started
  }

  async call<Name extends keyof Functions>(
    name: Name,
    ...args: Parameters<Functions[Name]>
  ): Promise<ReturnType<Functions[Name]>> {
    this.#last += 1
    const answer = this.#answer(this.#last)
    this.#child.send({ id: this.#last, name, args } satisfies Pkcs11Call)
    const { value, failure } = await answer
    if (failure !== undefined) throw new CryptokiError(name, failure)
    return value as ReturnType<Functions[Name]> // the child calls the function of that name
  }

  /** The code of a call that has to fail; `CKR_OK` when it did not. */
  async codeOf<Name extends keyof Functions>(name: Name, ...args: Parameters<Functions[Name]>): Promise<string> {
    return await this.call(name, ...args).then(
      () => 'CKR_OK',
      (error: unknown) => (error instanceof CryptokiError ? error.code : String(error)),
    )
  }

  /** Ends it without a word, as when the program crashes: the device keeps its sessions. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }

  #answer(id: number): Promise<Pkcs11Answer> {
    return new Promise((resolve) => this.#waiting.set(id, resolve))
  }

  #settle(answer: Pkcs11Answer): void {
    this.#waiting.get(answer.id)?.(answer)
    this.#waiting.delete(answer.id)
  }
}
