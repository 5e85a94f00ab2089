import { existsSync, rmSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import { Kysely, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Database, readerOf } from './database.ts'
import { assertPath, setPragmas } from './open.ts'
import { StationDialect } from './station-dialect.ts'

export interface ReviewIndex {
  readonly reader: ReadonlyKysely<Database>
  /** Number at a place counted from 0 at the newest, where entries are left out. */
  readonly placed: {
    readonly at: (place: number) => Promise<number | null>
    readonly from: (seq: number) => Promise<number>
  }
  /** Closes and removes it. */
  readonly close: () => Promise<void>
}

/** Opens an index for reading. Throws when it is none: it was made by us a moment ago. */
export function openReviewIndex(path: string, entries: number): ReviewIndex {
  assertPath(path)
  const file = new BetterSqlite3(path, { fileMustExist: true, readonly: true })
  setPragmas(file, 'read')
  const db = new Kysely<Database>({ dialect: new StationDialect(file) })
  return {
    reader: readerOf(db),
    placed: {
      at: async (place) => {
        const { rows } = await sql<{ seq: number }>`
          SELECT seq FROM review_place WHERE place = ${entries - 1 - place}`.execute(db)
        return rows[0]?.seq ?? null
      },
      from: async (seq) => {
        const { rows } = await sql<{ place: number }>`
          SELECT place FROM review_place WHERE seq >= ${seq} ORDER BY seq LIMIT 1`.execute(db)
        return rows[0] === undefined ? 0 : entries - rows[0].place
      },
    },
    close: async () => {
      await db.destroy()
      file.close()
      removeReviewIndex(path)
    },
  }
}

export function removeReviewIndex(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm'])
    if (existsSync(`${path}${suffix}`)) rmSync(`${path}${suffix}`, { force: true })
}
