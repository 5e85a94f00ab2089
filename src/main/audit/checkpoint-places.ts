import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FolderAccess } from '../media/media.ts'
import {
  type CheckpointPlace,
  checkpointFrom,
  codeOf,
  type KeptCheckpoint,
  notRead,
  readCheckpoint,
} from './checkpoint-file.ts'
import { maxNoteBytes, type VerifierKey } from './format/signed-note.ts'

/** On the profile's own disk, which the database is on too. */
export function ownPlace(path: string): CheckpointPlace {
  return {
    path,
    read: (key) => readCheckpoint(path, key),
    replace: async (note, there) => {
      const unfinished = `${path}.new`
      try {
        // If we crash before the rename, the old checkpoint is there and the remains are taken away by the next one. What is written is
        // a file of our own, whatever lies there.
        await removeIfThere(unfinished)
        const handle = await open(
          unfinished,
          constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
          0o644,
        )
        try {
          await handle.writeFile(note)
          await handle.sync()
        } finally {
          await handle.close()
        }
        // A second copy of the station may have put its checkpoint there since: that one was judged by nobody.
        if ((await textAt(path)) !== there) {
          await rm(unfinished, { force: true })
          return 'changed'
        }
        await rename(unfinished, path)
        await syncFolder(dirname(path))
        return 'replaced'
      } catch (error) {
        const code = codeOf(error)
        if (code === null) throw error
        await rm(unfinished, { force: true }).catch(() => {})
        return { code }
      }
    },
  }
}

/** On a medium: through a process that can be killed. */
export function mediumPlace(at: FolderAccess, folder: string, name: string): CheckpointPlace {
  return {
    path: join(folder, name),
    read: (key) => readFrom(at, name, key),
    replace: async (note, there) => {
      const seen = there === null ? null : createHash('sha256').update(there).digest('hex')
      const answer = await at.replace(name, note, seen)
      return answer.kind === 'failed' ? { code: answer.code } : answer.kind
    },
  }
}

/** The checkpoint under this name on a medium. `unreadable` with the code `silent`: it does not answer. */
export async function readFrom(at: FolderAccess, name: string, key: VerifierKey): Promise<KeptCheckpoint> {
  const answer = await at.read(name, maxNoteBytes)
  switch (answer.kind) {
    case 'absent':
      return { kind: 'absent' }
    case 'wrong':
      return { kind: 'wrong', fault: { code: 'malformed', reason: answer.reason } }
    case 'silent':
      return { kind: 'unreadable', code: 'silent' }
    case 'failed':
      return { kind: 'unreadable', code: answer.code }
    case 'bytes':
      try {
        return checkpointFrom(Buffer.from(answer.bytes, 'base64'), key)
      } catch (error) {
        return notRead(error)
      }
  }
}

/** Null: no file. A link is not followed and a pipe holds nobody up. */
async function textAt(path: string): Promise<string | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = await handle.stat()
      return stat.isFile() && stat.size <= maxNoteBytes ? await handle.readFile('utf8') : ''
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Some file systems of media cannot sync a folder and say so; what was written there is synced all the same. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await handle.close()
  }
}
