import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, open, readFile, rename, rm, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { step } from '../../app/steps.ts'
import { type HandOutput, partName } from './hand.repository.ts'

export type Placed =
  /** The file is there, whole and on the disk; `over` is what was there before. */
  | { readonly kind: 'written'; readonly over: 'nothing' | 'the-output' | 'another-file' }
  /** Something else is there, and nobody said that it may be replaced. It was not touched. */
  | { readonly kind: 'in-the-way' }
  /** No file can ever be written there: a folder, a link, a device. */
  | { readonly kind: 'not-a-file' }
  | { readonly kind: 'failed'; readonly error: unknown }

/** Largest file that is read to be compared with an output; an output has at most 1 MiB. */
const maxCompared = 1024 * 1024

/** What the caller writes down before the step that it names. */
export interface PlaceNotes {
  /** The file that is there has this digest and is about to be replaced. */
  readonly replacing: (sha256: string) => Promise<void>
  /** The file is about to be created under its own name, in parts. */
  readonly inPlace: () => Promise<void>
}

/**
 * Puts an output where it goes, so that at any moment there is the whole file there or what was there before, and never writes over
 * a file of somebody else's: a link is made only where there is nothing, and a rename over a file only where a person said so.
 */
export async function placeOutput(id: string, output: HandOutput, notes: PlaceNotes): Promise<Placed> {
  const folder = dirname(output.path)
  const part = partName(folder, id, output.ordinal)
  try {
    await rm(part, { force: true })
    const there = await lookAt(output)
    if (there === 'the-output') {
      await sync(folder)
      return { kind: 'written', over: 'the-output' }
    }
    if (there === 'not-a-file') return { kind: 'not-a-file' }
    if (there === 'our-part') await unlink(output.path)
    if (there === 'other' && !output.mayReplace) return { kind: 'in-the-way' }
    await writeNew(part, output.bytes)
    step('place', 'before')
    try {
      if (there === 'other') {
        await notes.replacing(await digestOf(output.path))
        await rename(part, output.path)
      } else if ((await linkNew(part, output.path)) === 'no-links') {
        await notes.inPlace()
        await writeNew(output.path, output.bytes)
      }
      step('place', 'after')
    } finally {
      await rm(part, { force: true })
    }
    await sync(folder)
    return { kind: 'written', over: there === 'other' ? 'another-file' : 'nothing' }
  } catch (error) {
    // Somebody made it between the look and the link.
    return codeOf(error) === 'EEXIST' ? { kind: 'in-the-way' } : { kind: 'failed', error }
  }
}

async function lookAt(output: HandOutput): Promise<'nothing' | 'the-output' | 'our-part' | 'other' | 'not-a-file'> {
  const found = await lstat(output.path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (found === null) return 'nothing'
  if (!found.isFile()) return 'not-a-file'
  if (found.size > maxCompared || found.size > output.bytes.length) return 'other'
  const bytes = await readFile(output.path)
  if (Buffer.compare(bytes, output.bytes) === 0) return 'the-output'
  // What a crash left of a file that was written in parts.
  const ours = output.inPlace && Buffer.compare(bytes, output.bytes.subarray(0, bytes.length)) === 0
  return ours ? 'our-part' : 'other'
}

/** `link` is the one call that makes a name only where there is none, whatever happens beside it. */
async function linkNew(part: string, path: string): Promise<'linked' | 'no-links'> {
  try {
    await link(part, path)
    return 'linked'
  } catch (error) {
    // FAT and some network file systems have none (link(2): EPERM).
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) return 'no-links'
    throw error
  }
}

/** Readable like any file that a person makes, as far as the process's mask allows: a signature is no secret. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function digestOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const hash = createHash('sha256')
    for await (const part of file.createReadStream({ autoClose: false })) hash.update(part as Uint8Array)
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems cannot sync a folder (fsync(2): EINVAL).
    if (codeOf(error) !== 'EINVAL') throw error
  } finally {
    await handle.close()
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
