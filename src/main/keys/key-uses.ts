/** A key's name in the registry. */
export interface KeyName {
  readonly purpose: string
  readonly fingerprint: string
}

export interface RunningUse {
  /** Aborted before a state in which the key must not be used is on disk. After that the key is not asked for anything. */
  readonly signal: AbortSignal
  /** Ends the use; resolves when a change of the key's state that interrupted it is on disk, or was given up. */
  readonly end: () => Promise<void>
}

/**
 * Which keys are at work. A change of state that ends the use of a key first stops who uses it, then is written; a use that begins
 * meanwhile is stopped as it begins. So the reader of the log never finds a use that began after the change.
 */
export function createKeyUses() {
  const uses = new Map<AbortController, string>()
  const changes = new Map<string, Promise<unknown>>()
  const nameOf = ({ purpose, fingerprint }: KeyName) => `${purpose} ${fingerprint}`
  return {
    begin(key: KeyName): RunningUse {
      const name = nameOf(key)
      const abort = new AbortController()
      uses.set(abort, name)
      if (changes.has(name)) abort.abort()
      return {
        signal: abort.signal,
        end: async () => {
          uses.delete(abort)
          await changes.get(name)
        },
      }
    },
    /** Stops every use of the key, then makes the change. */
    async stopFor<T>(key: KeyName, change: () => Promise<T>): Promise<T> {
      const name = nameOf(key)
      const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
      const mine = Promise.all([changes.get(name), settled])
      changes.set(name, mine)
      for (const [abort, used] of uses) if (used === name) abort.abort()
      try {
        return await change()
      } finally {
        settle()
        if (changes.get(name) === mine) changes.delete(name)
      }
    },
  }
}
