import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type RequestId, requestId } from '../../shared/ids.ts'

/** Fetched inputs of requests, under names of our own: nothing that came from outside is ever part of a path. */
export interface Spool {
  /** Makes the request's folder. */
  open(id: RequestId): Promise<void>
  pathOf(id: RequestId, ordinal: number): string
  /** Reads the file anew. `unreadable` also when it is not there. */
  compare(
    id: RequestId,
    ordinal: number,
    expected: { readonly size: number; readonly sha256: string },
  ): Promise<'same' | 'changed' | 'unreadable'>
  /** Renames a file that is not what was fetched, so that it can be looked at and is not used. */
  putAside(id: RequestId, ordinal: number): Promise<void>
  remove(id: RequestId): Promise<void>
  /** Takes away what was copied for requests that never came to be; a folder that is not named like a request is left alone. */
  sweep(known: (id: RequestId) => Promise<boolean>): Promise<void>
}

export function spoolAt(dir: string): Spool {
  const folder = (id: RequestId) => join(dir, id)
  const pathOf = (id: RequestId, ordinal: number) => join(folder(id), `${ordinal}.input`)
  return {
    open: async (id) => {
      await mkdir(folder(id), { recursive: true, mode: 0o700 })
    },
    pathOf,
    compare: async (id, ordinal, expected) => {
      try {
        const path = pathOf(id, ordinal)
        if ((await stat(path)).size !== expected.size) return 'changed'
        const hash = createHash('sha256')
        for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk)
        return hash.digest('hex') === expected.sha256 ? 'same' : 'changed'
      } catch {
        // Whatever the reason, the bytes cannot be read back; the check that asks treats this as unknown, never as fine.
        return 'unreadable'
      }
    },
    putAside: async (id, ordinal) => {
      await rename(pathOf(id, ordinal), `${pathOf(id, ordinal)}.changed`)
    },
    remove: async (id) => {
      await rm(folder(id), { recursive: true, force: true })
    },
    sweep: async (known) => {
      for (const name of await readdir(dir).catch(() => [])) {
        const id = requestId.safeParse(name)
        if (id.success && !(await known(id.data))) await rm(folder(id.data), { recursive: true, force: true })
      }
    },
  }
}
