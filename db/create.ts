import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import type { Transaction } from 'kysely'
import { err, type Result } from '../src/shared/result.ts'
import type { Database } from './database.ts'
import { type DatabaseFailure, databaseFailure, databaseFailureOf } from './database-failure.ts'
import { migrate } from './migrate.ts'
import {
  applicationId,
  assertPath,
  openStationDatabase,
  type StationDatabase,
  setPragmas,
  stationDatabase,
} from './open.ts'

/**
 * Makes a new station database, mode 0600: an explicit act of the operator. `fill` writes what a station must begin with
 * (its first audit entry). The file is built under another name and gets its own only when it is whole and on disk, so a
 * crash leaves either no database or a complete one. The folder exists already. Never replaces a file.
 */
export async function createStationDatabase(
  path: string,
  fill: (trx: Transaction<Database>) => Promise<void>,
): Promise<Result<StationDatabase, DatabaseFailure>> {
  assertPath(path)
  if (existsSync(path)) return err(databaseFailure('database-exists'))
  const folder = dirname(path)
  if (!existsSync(folder)) return err(databaseFailure('database-unreadable', 'the folder does not exist'))
  const unfinished = `${path}.new-${randomBytes(8).toString('hex')}`
  try {
    // Made by us with its mode before SQLite sees it; the umask may only take bits away.
    closeSync(openSync(unfinished, 'wx', 0o600))
    await build(unfinished, fill)
    syncFile(unfinished)
    // `link` fails when the name is taken; `rename` would replace.
    linkSync(unfinished, path)
    removeUnfinished(unfinished)
    syncFile(folder)
  } catch (error) {
    removeUnfinished(unfinished)
    const failure = databaseFailureOf(error)
    if (failure === null) throw error
    return err(failure)
  }
  return openStationDatabase(path)
}

async function build(path: string, fill: (trx: Transaction<Database>) => Promise<void>): Promise<void> {
  const file = new BetterSqlite3(path, { fileMustExist: true })
  const station = stationDatabase(file, path, 'write')
  try {
    file.pragma(`application_id = ${applicationId}`)
    setPragmas(file, 'write')
    migrate(file)
    await station.db.transaction().execute(fill)
  } finally {
    await station.close()
  }
}

function syncFile(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function removeUnfinished(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true })
}
