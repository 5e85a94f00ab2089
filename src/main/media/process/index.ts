import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { MediaAnswer, MediaJob } from '../protocol.ts'

// Entry of the process that reads and writes one folder on a medium: argv[2]. A medium that hangs holds this process and nothing else, until main kills it. It ends when main closes its standard input.

const [, , folder = ''] = process.argv

/** A link is not followed and a pipe of this name holds nobody up. */
const reading = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}

function read(path: string, limit: number): MediaAnswer<'read'> {
  try {
    const file = openSync(path, reading)
    try {
      const stat = fstatSync(file)
      if (!stat.isFile()) return { kind: 'wrong', reason: 'it is no file' }
      if (stat.size > limit) return { kind: 'wrong', reason: 'it is too large' }
      return { kind: 'bytes', bytes: readFileSync(file).toString('base64') }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return { kind: 'absent' }
    return code === 'ELOOP' ? { kind: 'wrong', reason: 'it is a link' } : { kind: 'failed', code }
  }
}

async function replace(path: string, text: string, there: string | null): Promise<MediaAnswer<'replace'>> {
  const unfinished = `${path}.new`
  let made = false
  try {
    // If we are killed before the rename, the old file is there and the remains are taken away by the next call. Whoever can write to
    // the medium may have put a link, a pipe or a file with other names there: what is written is a file of our own.
    removeIfThere(unfinished)
    // Through a handle: the permission model refuses `fsyncSync`, also of a file that may be written.
    const file = await open(
      unfinished,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o644,
    )
    made = true
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    // Main judged what was there: what came since was judged by nobody.
    const now = read(path, 1024 * 1024)
    const seen =
      now.kind === 'bytes' ? digest(Buffer.from(now.bytes, 'base64')) : now.kind === 'absent' ? null : now.kind
    if (seen !== there) {
      rmSync(unfinished, { force: true })
      return { kind: 'changed' }
    }
    renameSync(unfinished, path)
    await syncFolder()
    return { kind: 'replaced' }
  } catch (error) {
    const code = codeOf(error)
    if (made) removeQuietly(unfinished)
    return { kind: 'failed', code }
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // The first failure is the one to tell.
  }
}

/** Some file systems of media cannot sync a folder and say so; what was written there is synced all the same. */
async function syncFolder(): Promise<void> {
  const file = await open(folder, 'r')
  try {
    await file.sync()
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await file.close()
  }
}

function placeOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Whatever the reason, nothing can be read there now.
    const parent = dirname(path)
    return parent === path ? path : join(placeOf(parent), basename(path))
  }
}

async function answer(job: MediaJob): Promise<MediaAnswer<MediaJob['op']>> {
  switch (job.op) {
    case 'read':
      return read(join(folder, job.name), job.limit)
    case 'replace':
      return replace(join(folder, job.name), job.text, job.there)
    case 'place':
      return { kind: 'place', path: placeOf(folder) }
  }
}

async function tell(line: string): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(await answer(JSON.parse(line) as MediaJob))}\n`) // main's own words
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written)
}

let rest = ''
process.stdin.setEncoding('utf8').on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  // One at a time: main asks when the answer before has come.
  for (const line of lines) void tell(line)
})
