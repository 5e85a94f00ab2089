import { maxHandFiles } from '../../../shared/by-hand.ts'

/** Files that were named from outside: kept until the window asks for them. They are names only; nothing of them was opened. */
export interface OfferedFiles {
  add(paths: readonly string[]): void
  /** Gives them and forgets them. */
  take(): readonly string[]
}

export function createOfferedFiles(named: readonly string[], onOffer: () => void): OfferedFiles {
  let waiting: readonly string[] = named.slice(0, maxHandFiles)
  return {
    add: (paths) => {
      waiting = [...new Set([...waiting, ...paths])].slice(0, maxHandFiles)
      onOffer()
    },
    take: () => {
      const taken = waiting
      waiting = []
      return taken
    },
  }
}
