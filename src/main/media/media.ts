import {
  type After,
  createFolderProcess,
  type FolderAnswer,
  type FolderProcess,
  type MediaProcess,
} from './folder-process.ts'

/** One folder of the operator's, through a process that may touch it and nothing else. Nothing here waits longer than a deadline. */
export interface FolderAccess {
  /** Bytes of a file, at most `limit`. */
  read(name: string, limit: number): Promise<FolderAnswer<'read'>>
  /** Replaces the file whole or not at all, if it still is what was seen there (`there`, SHA-256 in hex; null: no file), and waits for the disk. */
  replace(name: string, text: string, there: string | null): Promise<FolderAnswer<'replace'>>
  /** Where the folder is, through whatever links. Null: it does not answer. */
  place(): Promise<string | null>
}

/**
 * Turns at the operator's folders. A call on a medium that hangs cannot be taken back, so main makes none: each folder has a process, one
 * call at a time, and a process that does not answer is killed. Main's own files never wait for a medium.
 */
export interface Media {
  /** Does `work` when it is this folder's turn. `isWanted` is asked then; what nobody waits for any more is not begun (null). */
  inTurn<T>(folder: string, work: (at: FolderAccess) => Promise<T>, isWanted?: () => boolean): Promise<T | null>
  /** The same, for somebody who waits no longer than `patience`. */
  soon<T>(folder: string, work: (at: FolderAccess) => Promise<T>): Promise<T | null>
  /** Calls `then` when a folder is taken for silent; gives what takes it back. */
  whenSilent(then: () => void): () => void
  /** Ends all processes. */
  close(): void
}

/** Milliseconds. A disk that spins up answers within it. */
const patience = 5_000
/** Processes at work at once: each takes some memory. The settings name ten folders at most. */
const atOnce = 4

export function createMedia(process: MediaProcess, after: After = afterTimer): Media {
  const lastOf = new Map<string, Promise<unknown>>()
  const processes = new Map<string, FolderProcess>()
  const waiting: (() => void)[] = []
  let free = atOnce
  let closed = false

  function processOf(folder: string, rights: 'folder' | 'place'): FolderProcess {
    const key = `${rights} ${folder}`
    const there = processes.get(key) ?? createFolderProcess(folder, rights, process, after)
    processes.set(key, there)
    return there
  }

  function accessTo(folder: string): FolderAccess {
    return {
      read: (name, limit) => processOf(folder, 'folder').ask({ op: 'read', name, limit }),
      replace: (name, text, there) => processOf(folder, 'folder').ask({ op: 'replace', name, text, there }),
      place: async () => {
        const answer = await processOf(folder, 'place').ask({ op: 'place' })
        return answer.kind === 'place' ? answer.path : null
      },
    }
  }

  async function withSlot<T>(work: () => Promise<T>, isWanted: () => boolean): Promise<T | null> {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free -= 1
    try {
      return isWanted() ? await work() : null
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }

  function inTurn<T>(folder: string, work: (at: FolderAccess) => Promise<T>, isWanted = () => true): Promise<T | null> {
    const before = lastOf.get(folder) ?? Promise.resolve()
    const done = before.then(() =>
      isWanted()
        ? withSlot(
            () => work(accessTo(folder)),
            () => isWanted() && !closed,
          )
        : null,
    )
    const settled = done.catch(() => null)
    lastOf.set(folder, settled)
    void settled.then(() => {
      if (lastOf.get(folder) === settled) lastOf.delete(folder)
    })
    return done
  }

  return {
    inTurn,
    soon: (folder, work) =>
      new Promise((resolve, reject) => {
        let waits = true
        const takeBack = after(patience, () => {
          waits = false
          resolve(null)
        })
        inTurn(folder, work, () => waits)
          .then(resolve, reject)
          .finally(takeBack)
      }),
    whenSilent: (then) => after(patience, then),
    close: () => {
      closed = true
      for (const each of processes.values()) each.close()
      processes.clear()
    },
  }
}

function afterTimer(ms: number, then: () => void): () => void {
  // It holds nobody up: the program ends whether or not a process was idle long enough.
  const timer = setTimeout(then, ms).unref()
  return () => clearTimeout(timer)
}
