import { join } from 'node:path'
import type { Media } from '../media/media.ts'
import { type AskHistory, type CopyWarning, checkpointFileName, putCheckpoint, silent } from './checkpoint-file.ts'
import { mediumPlace } from './checkpoint-places.ts'
import type { VerifierKey } from './format/signed-note.ts'

/** Copies of the last checkpoint on media of the operator's choice. */
export interface CheckpointCopies {
  /** Copies to every folder, beside whatever else runs; a folder that is still busy gets the newest one afterwards. */
  put(folders: readonly string[], note: string, size: number): void
  /** What is wrong now, folder by folder. */
  warnings(): readonly CopyWarning[]
  /** Resolves when nothing is being copied; a medium that hangs keeps it waiting. */
  settled(): Promise<void>
  /** Begins no copy any more. */
  end(): void
}

export interface CopiesParts {
  readonly key: VerifierKey
  readonly ask: AskHistory
  readonly media: Media
  /** A warning came or went. */
  readonly onChange: () => void
  /** Somewhere lies a checkpoint that our key signed and our log does not contain. */
  readonly onContradiction: (warning: CopyWarning) => void
}

interface Place {
  running: Promise<void> | null
  /** Came while the one before was being written. */
  next: { readonly note: string; readonly size: number } | null
  warning: CopyWarning | null
  /** The folder is taken for silent. */
  silent: boolean
}

export function createCheckpointCopies(parts: CopiesParts): CheckpointCopies {
  const { key, media, onChange } = parts
  const places = new Map<string, Place>()
  let ended = false

  /** Set while a copy is under way. */
  function isEnded(): boolean {
    return ended
  }

  async function copy(folder: string, place: Place): Promise<void> {
    for (let next = place.next; next !== null && !isEnded(); next = place.next) {
      const { note, size } = next
      place.next = null
      const takeBack = media.whenSilent(() => {
        place.silent = true
        onChange()
      })
      const warning = await media
        .inTurn(
          folder,
          (at) => putCheckpoint(mediumPlace(at, folder, checkpointFileName(key)), note, size, key, parts.ask),
          () => !isEnded(),
        )
        .finally(takeBack)
      const changed = place.silent || warning?.reason !== place.warning?.reason
      place.warning = warning
      place.silent = false
      if (changed) onChange()
      if (warning?.code === 'contradicts') parts.onContradiction(warning)
    }
    place.running = null
  }

  return {
    put: (folders, note, size) => {
      const wanted = new Map(folders.map((folder) => [join(folder, checkpointFileName(key)), folder]))
      for (const [path, place] of places) if (!wanted.has(path) && place.running === null) places.delete(path)
      for (const [path, folder] of wanted) {
        const place = places.get(path) ?? { running: null, next: null, warning: null, silent: false }
        places.set(path, place)
        place.next = { note, size }
        place.running ??= copy(folder, place)
      }
    },
    warnings: () =>
      [...places].flatMap(([path, { silent: isSilent, warning }]): CopyWarning[] => {
        if (isSilent) return [silent(path)]
        return warning === null ? [] : [warning]
      }),
    settled: async () => {
      for (const { running } of places.values()) await running
    },
    end: () => {
      ended = true
    },
  }
}
