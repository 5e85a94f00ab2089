import { err, ok, type Result } from '../../shared/result.ts'
import type { Deadlines } from './deadlines.ts'
import { serviceKeyAbsent, tokenFailure } from './failures.ts'
import type { HostProcess } from './host-process.ts'
import type { LogKeyService, ServiceKeyKeeper, SoftwareKeyMaker, TokenFailure } from './token-service.ts'

const ended = tokenFailure('token-removed', 'the token process was ended')

/** The token processes that open sealed keys. They load no module. */
export class SealedKeyHosts {
  readonly #startHost: (onEnd: () => void) => HostProcess
  readonly #running = new Set<HostProcess>()
  /** The one of them that stays: it says which service keys there are, and signs checkpoints. No key for signing files is opened in it. */
  #keyring: HostProcess | null = null

  constructor(startHost: (onEnd: () => void) => HostProcess) {
    this.#startHost = startHost
  }

  start(): HostProcess {
    const host = this.#startHost(() => this.#running.delete(host))
    this.#running.add(host)
    return host
  }

  /** A process for one question. */
  async once<T>(ask: (host: HostProcess) => Promise<T>): Promise<T> {
    const host = this.start()
    try {
      return await ask(host)
    } finally {
      host.kill(ended)
    }
  }

  /** Asked every half minute while the operator is on duty, and for each checkpoint: one process stays, as one does for each module. */
  async ofKeyring<T>(
    ask: (host: HostProcess) => Promise<Result<T, TokenFailure>>,
    tries = 2,
  ): Promise<Result<T, TokenFailure>> {
    if (this.#keyring === null || this.#keyring.dead) this.#keyring = this.start()
    const host = this.#keyring
    const answer = await ask(host)
    // Ended by a reset while it was asked: nothing of the question was wrong.
    return answer.ok || !host.endedOnPurpose || tries === 1 ? answer : this.ofKeyring(ask, tries - 1)
  }

  reset(): void {
    for (const host of this.#running) host.kill(ended)
  }
}

/** Main knows the name of the service key and of its folder; the token process is not asked for sentences. */
export function namingServiceKey<T>(
  result: Result<T, TokenFailure>,
  publicKey: string,
  folder: string,
): Result<T, TokenFailure> {
  if (result.ok || result.error.code !== 'service-key-absent') return result
  return err(serviceKeyAbsent(publicKey, folder))
}

/** What can be asked of sealed keys. `folder`: where the service keys are, for the sentence that one is missing. */
export function createSealedKeys(
  hosts: SealedKeyHosts,
  folder: string,
  deadlines: Deadlines,
): SoftwareKeyMaker & ServiceKeyKeeper & LogKeyService {
  return {
    generateSoftwareKey: (algorithm) =>
      hosts.once((host) => host.call('generate-software-key', { algorithm }, deadlines.generate)),
    ensureServiceKey: () => hosts.once((host) => host.call('ensure-service-key', {}, deadlines.open)),
    opensSealed: async ({ publicKey }) => {
      const found = await hosts.ofKeyring((host) => host.call('has-service-key', { publicKey }, deadlines.open))
      if (!found.ok) return namingServiceKey(found, publicKey, folder)
      return found.value ? ok(null) : err(serviceKeyAbsent(publicKey, folder))
    },
    makeLogKey: () => hosts.once((host) => host.call('make-log-key', {}, deadlines.open)),
    signCheckpoint: async ({ publicKey, sealed }, text) => {
      const body = { publicKey, sealed: { publicKey: sealed.publicKey, encrypted: sealed.encrypted }, text }
      const signed = await hosts.ofKeyring((host) => host.call('sign-checkpoint', body, deadlines.checkpoint))
      return namingServiceKey(signed, sealed.publicKey, folder)
    },
    listServiceKeys: () => hosts.ofKeyring((host) => host.call('list-service-keys', {}, deadlines.open)),
    makeServiceKey: () => hosts.once((host) => host.call('make-service-key', {}, deadlines.open)),
    openResealer: () => {
      const host = hosts.start()
      return {
        reseal: async (sealed, holds, to) =>
          namingServiceKey(await host.call('reseal', { sealed, holds, to }, deadlines.open), sealed.publicKey, folder),
        check: async (sealed, holds) =>
          namingServiceKey(
            await host.call('check-sealed', { sealed, holds }, deadlines.open),
            sealed.publicKey,
            folder,
          ),
        close: () => host.kill(ended),
      }
    },
  }
}
