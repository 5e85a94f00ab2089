import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FoundLog } from '../../shared/audit.ts'

const most = 1000
/** Files looked into in one folder: a medium may hold a whole archive. */
const mostInFolder = 2000

/** Logs in the exports folder and at the top of mounted media, newest first. Looks at beginnings only, and follows no link. */
export async function findLogs(exports: string, media: readonly string[]): Promise<readonly FoundLog[]> {
  const mounted = (await Promise.all(media.map(foldersIn))).flat()
  // A medium holds a log at its top, or in a folder that was copied as it is.
  const nested = (await Promise.all(mounted.map(foldersIn))).flat().slice(0, 200)
  const found: FoundLog[] = []
  for (const folder of [exports, ...mounted, ...nested]) {
    found.push(...(await logsIn(folder)))
    if (found.length > most) break
  }
  return found.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, most)
}

/** Where Linux desktops mount media. */
export function mediaFolders(user: string): readonly string[] {
  return [join('/media', user), join('/run/media', user), '/mnt']
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(folder, name))
}

async function logsIn(folder: string): Promise<readonly FoundLog[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const named = entries.filter((entry) => entry.isFile() && /\.(?:jsonl|db)$/.test(entry.name)).slice(0, mostInFolder)
  const logs: FoundLog[] = []
  for (const { name } of named) {
    const log = await lookInto(join(folder, name))
    if (log !== null) logs.push(log)
  }
  return logs
}

async function lookInto(path: string): Promise<FoundLog | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) return null
      const start = Buffer.alloc(100)
      await file.read(start, 0, start.length, 0)
      const kind = kindOf(start)
      return kind === null ? null : { kind, name: basename(path), path, bytes: stat.size, at: stat.mtime.toISOString() }
    } finally {
      await file.close()
    }
  } catch {
    // Unplugged, no permission: not something that can be opened.
    return null
  }
}

function kindOf(start: Buffer): FoundLog['kind'] | null {
  // `application_id` "SSDB" (sqlite.org/fileformat2.html §1.3.17).
  if (start.toString('latin1', 0, 16) === 'SQLite format 3\0')
    return start.toString('latin1', 68, 72) === 'SSDB' ? 'database' : null
  return start.toString('latin1', 0, 11) === '{"madeAt":"' ? 'export' : null
}
