import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'

// Where a secret could have been left. Each of these finds what is there: the tests that use them look for something harmless, too.

/** Every way in which a text is written that a search for it must know. */
export function formsOf(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text)
  // Base64 has three alignments; the first and last characters depend on the neighbours.
  const base64 = [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    return Buffer.from(shifted.slice(shift === 0 ? 0 : shift + 1, -1))
  })
  return [bytes, Buffer.from(text, 'utf16le'), Buffer.from(bytes.toString('hex')), ...base64]
}

const holds = (content: Buffer, forms: readonly Buffer[]) => forms.some((form) => content.includes(form))

/** Files below a folder that hold it, in their bytes or in their names. */
export function filesWith(folder: string, forms: readonly Buffer[]): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    const named = holds(Buffer.from(entry.name), forms) ? [path] : []
    if (entry.isDirectory()) return [...named, ...filesWith(path, forms)]
    if (!entry.isFile()) return named
    return holds(read(path) ?? Buffer.alloc(0), forms) ? [path] : named
  })
}

/** The same in the folders for temporary files: what a user made there since then. */
export function temporaryFilesWith(uid: number, since: number, forms: readonly Buffer[]): readonly string[] {
  return ['/tmp', '/var/tmp', '/dev/shm'].flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      const made = statSync(path, { throwIfNoEntry: false })
      if (made === undefined || made.uid !== uid || made.mtimeMs < since) return []
      if (entry.isDirectory()) return filesWith(path, forms)
      return entry.isFile() && holds(read(path) ?? Buffer.alloc(0), forms) ? [path] : []
    }),
  )
}

/** Processes of this machine, of any user, whose command line or environment holds it. */
export function processesWith(forms: readonly Buffer[]): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])
    .filter((path) => holds(read(path) ?? Buffer.alloc(0), forms))
}

/** Whether it is anywhere in the writable memory of a process, freed or not. Null: this user may not look. */
export function memoryHolds(pid: number, forms: readonly Buffer[]): boolean | null {
  const maps = read(`/proc/${pid}/maps`)?.toString('latin1')
  if (maps === undefined) return null
  let file: number
  try {
    file = openSync(`/proc/${pid}/mem`, 'r')
  } catch {
    return null
  }
  try {
    return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)].some(([, from, to]) =>
      regionHolds(file, Number.parseInt(from ?? '', 16), Number.parseInt(to ?? '', 16), forms),
    )
  } finally {
    closeSync(file)
  }
}

const piece = 4 * 1024 * 1024
/** Longer than anything that is looked for. */
const overlap = 4096

function regionHolds(file: number, from: number, to: number, forms: readonly Buffer[]): boolean {
  const buffer = Buffer.alloc(piece + overlap)
  for (let at = from; at < to; at += piece) {
    const wanted = Math.min(buffer.length, to - at)
    let length = 0
    try {
      length = readSync(file, buffer, 0, wanted, at)
    } catch {
      // Reserved and never touched: there is nothing to read.
      continue
    }
    if (holds(buffer.subarray(0, length), forms)) return true
  }
  return false
}

/** What is alive in the page's heap, after everything that is not was thrown away. */
export async function heapOfPage(page: Page): Promise<Buffer> {
  const session = await page.context().newCDPSession(page)
  const parts: Buffer[] = []
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => parts.push(Buffer.from(chunk)))
  await session.send('HeapProfiler.enable')
  await session.send('HeapProfiler.collectGarbage')
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  await session.detach()
  return Buffer.concat(parts)
}

function read(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    // It ended, or was removed, while we looked.
    return null
  }
}
