import { join } from 'node:path'
import { type CopyWarning, checkpointFileName, putCheckpoint } from './checkpoint-file.ts'
import type { VerifierKey } from './format/signed-note.ts'

/** Copies of the last checkpoint on media of the operator's choice. */
export interface CheckpointCopies {
  /** Copies to every folder, beside whatever else runs; a folder that is still busy gets the newest one afterwards. */
  put(folders: readonly string[], note: string, size: number): void
  /** What is wrong now, folder by folder. */
  warnings(): readonly CopyWarning[]
  /** Resolves when nothing is being copied; a medium that hangs keeps it waiting. */
  settled(): Promise<void>
}

interface Place {
  running: Promise<void> | null
  /** Came while the one before was being written. */
  next: { readonly note: string; readonly size: number } | null
  warning: CopyWarning | null
}

/** `onChange` is told when a warning came or went. */
export function createCheckpointCopies(key: VerifierKey, onChange: () => void): CheckpointCopies {
  const places = new Map<string, Place>()

  async function copy(path: string, place: Place): Promise<void> {
    for (let next = place.next; next !== null; next = place.next) {
      place.next = null
      const warning = await putCheckpoint(path, next.note, next.size, key)
      const changed = warning?.reason !== place.warning?.reason
      place.warning = warning
      if (changed) onChange()
    }
    place.running = null
  }

  return {
    put: (folders, note, size) => {
      const wanted = new Set(folders.map((folder) => join(folder, checkpointFileName(key))))
      for (const [path, place] of places) if (!wanted.has(path) && place.running === null) places.delete(path)
      for (const path of wanted) {
        const place = places.get(path) ?? { running: null, next: null, warning: null }
        places.set(path, place)
        place.next = { note, size }
        place.running ??= copy(path, place)
      }
    },
    warnings: () =>
      [...places].flatMap(([path, place]): CopyWarning[] => {
        if (place.running !== null && place.next !== null)
          return [
            { path, code: 'unwritable', reason: `The folder of ${path} does not answer. The log itself is safe.` },
          ]
        return place.warning === null ? [] : [place.warning]
      }),
    settled: async () => {
      for (const { running } of places.values()) await running
    },
  }
}
