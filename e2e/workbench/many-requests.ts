import { createHash } from 'node:crypto'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { attach } from '../harness/fixtures.ts'
import { type StationFolders, startStation } from '../harness/station-process.ts'

/** Makes an empty station by the screens' own call, and closes it again. */
export async function makeStation(folders: StationFolders): Promise<void> {
  const station = startStation({ window: 'chromium', folders })
  const { page } = await attach(station)
  const refused = await page.evaluate(async () => {
    const created = await window.station.stationCreate({
      stationName: 'desk.example.org',
      operatorName: 'Release Manager',
    })
    return created.ok ? null : created.error.message
  })
  station.kill('SIGTERM')
  await station.exit
  if (refused !== null) throw new Error(refused)
}

/** Title of the n-th request of `insertDone`, from 1; the last is the newest. */
export function titleOf(n: number): string {
  return `linux-image-6.12.${n}-amd64 6.12.${n}-1`
}

/** Puts requests that are done into the database of a station that is closed, as a year of work would. */
export function insertDone(folders: StationFolders, count: number): void {
  const file = new BetterSqlite3(join(folders.profile, 'station.db'))
  const insert =
    file.prepare(`INSERT INTO request (id, server, work_request_id, scope, workspace, fetched_at, task_name, raw,
      purpose, fingerprint, created_by, requested_at, retry_count, title, requested_by, stage, outcome, state, file_count,
      signed_count, worst_check, received_at, updated_at)
    VALUES (@id, 'https://debusine.example.org/api', @n, 'debian', @workspace, @at, 'sign', '', 'uefi', @print, 2, @at, 0, @title,
      'submitter', 'done', @outcome, json_object('kind', 'done', 'outcome', @outcome, 'reason', NULL), 4, @signed, 'passed', @at, @at)`)
  const print = createHash('sha256').update('key').digest('hex').toUpperCase()
  const start = Date.parse('2026-01-01T00:00:00.000Z')
  file.transaction(() => {
    for (let n = 1; n <= count; n += 1) {
      const id = createHash('sha256').update(String(n)).digest('hex')
      insert.run({
        id: `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-8${id.slice(17, 20)}-${id.slice(20, 32)}`,
        n,
        workspace: ['kernel', 'boot-loaders', 'firmware'][n % 3],
        at: new Date(start + n * 60_000).toISOString(),
        print,
        title: titleOf(n),
        outcome: n % 10 === 0 ? 'declined' : 'signed',
        signed: n % 10 === 0 ? 0 : 4,
      })
    }
  })()
  file.close()
}
