import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import type { StationFolders } from '../harness/station-process.ts'

/** Stops the token's process at a chosen point of a signing, as a slow token would look to the station. */
export interface TokenHold {
  readonly env: Readonly<Record<string, string>>
  /** The next time but `asks - 1` that the token is asked for signatures, it does not answer. */
  arm(asks: number): void
  /** Resolves when the token's process stands still. */
  held(): Promise<void>
  /** The token goes on where it was. */
  release(): void
  /** The token's process dies with the question unanswered: whether it signed is not known. */
  lose(): void
  /** The same, by a fault of the module: what a crash leaves behind is left behind. */
  crash(): void
}

export function tokenHold(folders: StationFolders): TokenHold {
  const file = join(folders.base, 'hold-token')
  writeFileSync(file, 'free')
  // The station, which is another user where the test runs as root, writes into it.
  chmodSync(file, 0o666)
  const pid = () => {
    const [state, value] = readFileSync(file, 'utf8').split(' ')
    return state === 'held' ? Number(value) : null
  }
  const send = (signal: NodeJS.Signals) => {
    const held = pid()
    if (held === null) throw new Error('the token is not held')
    writeFileSync(file, 'free')
    process.kill(held, signal)
  }
  return {
    env: {
      STATION_HOLD_TOKEN: file,
      NODE_OPTIONS: `--import=${join(import.meta.dirname, '..', 'harness', 'hold-token.ts')}`,
    },
    arm: (asks) => writeFileSync(file, `hold ${asks}`),
    held: () => expect.poll(pid, { timeout: 20_000, intervals: [20] }).not.toBeNull(),
    release: () => send('SIGCONT'),
    lose: () => send('SIGKILL'),
    crash: () => {
      const held = pid()
      send('SIGSEGV')
      // It stands still, and dies of the other signal when it goes on.
      if (held !== null) process.kill(held, 'SIGCONT')
    },
  }
}
