import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { ReaderRoom } from '../../reader.ts'
import type { CallName, Calls, Pkcs11Answer, Pkcs11Call } from './pkcs11-calls.ts'

type Args<N extends CallName> = Parameters<Calls[N]>
type Value<N extends CallName> = ReturnType<Calls[N]>

/** What the module answered: a value, the name of an error, or the signal of which its process died. */
export type Outcome<N extends CallName> = { readonly value: Value<N> } | { readonly failed: string }

/** A PKCS#11 module in a process of its own, inside a room with virtual readers. */
export class Pkcs11Client {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Pkcs11Answer) => void>()
  readonly #ended: Promise<string>
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message) => {
      // Our own process wrote it.
      const answer = message as Pkcs11Answer
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
    this.#ended = new Promise((resolve) =>
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`)),
    )
  }

  /** Loads and initialises the module. */
  static async start(
    room: ReaderRoom,
    module: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Pkcs11Client> {
    const script = join(import.meta.dirname, 'pkcs11-process.ts')
    const child = room.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, module], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { PATH: process.env['PATH'] ?? '', ...env },
    })
    const client = new Pkcs11Client(child)
    await client.call('initialize')
    return client
  }

  /** One call; an error of the module is an exception with its name. */
  async call<N extends CallName>(name: N, ...args: Args<N>): Promise<Value<N>> {
    const outcome = await this.try(name, ...args)
    if ('failed' in outcome) throw new Error(`${name}: ${outcome.failed}`)
    return outcome.value
  }

  /** One call, with the module's error as its outcome. */
  async try<N extends CallName>(name: N, ...args: Args<N>): Promise<Outcome<N>> {
    const id = (this.#calls += 1)
    const { promise, resolve } = Promise.withResolvers<Outcome<N>>()
    // The answer has the type of the call that was asked.
    this.#waiting.set(id, (answer) =>
      resolve('failed' in answer ? { failed: answer.failed } : { value: answer.value as Value<N> }),
    )
    this.#child.send({ id, name, args } satisfies Pkcs11Call, () => {})
    return Promise.race([promise, this.#ended.then((failed) => ({ failed }))])
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
