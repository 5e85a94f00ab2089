import { join } from 'node:path'
import { test as base, expect, type Page } from '@playwright/test'
import BetterSqlite3 from 'better-sqlite3'
import { parseCommandLine } from '../src/main/cli/verify-arguments.ts'
import { verifyTarget } from '../src/main/cli/verify-target.ts'
import { attach } from './harness/fixtures.ts'
import {
  makeFolders,
  removeFolders,
  type StationFolders,
  type StationProcess,
  startStation,
} from './harness/station-process.ts'
import { approveNext, waitForStage } from './workbench/operator.ts'
import { buildPe } from './workbench/pe-files.ts'
import { goOnDuty, makeWorkbench, setUpStation, type Workbench } from './workbench/workbench.ts'

// The station is killed (SIGKILL) before and after every step of a request, then started again on the same files. Whatever the
// point: no signature without its intent on disk, none twice for one decision, nothing lost, and the request goes on or stands
// as an incident that a person closes.

const files = 5
const points = [
  'fetch:before',
  'fetch:after',
  'intake:before',
  'intake:after',
  'decision:before',
  'decision:after',
  'intent:before',
  'intent:after',
  'intent:before:2',
  'intent:after:2',
  'token:before',
  'token:after',
  'token:before:2',
  'token:after:2',
  'assemble:before',
  'verify:before',
  'verify:after',
  'outcome:before',
  'outcome:after',
  'outcome:before:2',
  'outcome:after:2',
  'upload:before',
  'upload:after',
  'completion:before',
  'completion:after',
  'checkpoint:before',
  'checkpoint:after',
  'checkpoint:before:2',
  'checkpoint:after:2',
  'checkpoint:before:3',
  'checkpoint:after:3',
] as const

const test = base.extend<{ folders: StationFolders; bench: Workbench }>({
  // oxlint-disable-next-line no-empty-pattern
  folders: async ({}, use) => {
    const folders = makeFolders()
    await use(folders)
    removeFolders(folders)
  },
  bench: async ({ folders }, use) => {
    const bench = await makeWorkbench({ folders })
    await use(bench)
    await bench.stop()
  },
})

function start(folders: StationFolders, bench: Workbench, killAt: string | null): StationProcess {
  const kill =
    killAt === null
      ? {}
      : { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'harness/kill-at.ts')}`, STATION_KILL_AT: killAt }
  return startStation({ window: 'chromium', folders, env: { ...bench.env, ...kill } })
}

async function end(station: StationProcess): Promise<void> {
  station.kill('SIGTERM')
  await station.exit
}

for (const point of points) {
  test(`killed at ${point}, the request is finished after a restart and nothing is signed twice`, async ({
    folders,
    bench,
  }) => {
    const first = start(folders, bench, null)
    const { page } = await attach(first)
    await setUpStation(page, bench)
    await end(first)

    const work = await bench.server.addSignRequest({
      fingerprint: bench.keys[0]?.fingerprint ?? '',
      files: Array.from({ length: files }, (_, index) => ({ name: `pkg/image-${index}.efi`, bytes: buildPe(index) })),
      binaryPackageName: 'pkg',
      trustedCerts: [],
    })
    const second = start(folders, bench, point)
    await attach(second)
      .then(async ({ page }) => {
        await goOnDuty(page)
        await approveNext(page, bench.pin)
      })
      // The window goes with the program in the middle of a call.
      .catch(() => undefined)
    expect(await second.exit, second.log()).toEqual({ code: null, signal: 'SIGKILL' })

    const third = start(folders, bench, null)
    const { page: again } = await attach(third)
    await goOnDuty(again)
    await finish(again, bench)
    expect(bench.server.workRequest(work)?.status, third.log()).toBe('completed')
    await end(third)

    checkLog(folders)
    await checkServer(bench, work)
  })
}

/** Does what the screens offer at each stage, until the request is done. */
async function finish(page: Page, bench: Workbench): Promise<void> {
  for (;;) {
    const row = await waitForStage(page, ['review', 'interrupted', 'incident', 'done'])
    if (row.stage === 'done') return
    if (row.stage === 'review') expect((await approveNext(page, bench.pin)).refusal).toBeNull()
    if (row.stage === 'incident') {
      const closed = await page.evaluate(
        (requestId) => window.station.incidentClose({ requestId, note: 'looked at the token' }),
        row.id,
      )
      expect(closed.ok).toBe(true)
    }
    if (row.stage === 'interrupted') {
      const resumed = await page.evaluate(
        async ({ requestId, pin }) => {
          const shown = await window.station.requestsShow({ requestId })
          if (!shown.ok || shown.value.sheetDigest === null) return null
          return window.station.signingResume({
            requestId,
            sheetDigest: shown.value.sheetDigest,
            pin,
            useLastTry: false,
          })
        },
        { requestId: row.id, pin: bench.pin },
      )
      expect(resumed?.ok).toBe(true)
    }
    await waitForStage(page, ['done', 'returning', 'signing', 'incident', 'interrupted'])
  }
}

interface Entry {
  readonly seq: number
  readonly event: string
  readonly ordinal?: number
  readonly intentSeq?: number
  readonly signatureMayExist?: boolean
  readonly openIntents?: readonly number[]
}

function checkLog(folders: StationFolders): void {
  const file = new BetterSqlite3(join(folders.profile, 'station.db'), { readonly: true })
  const entries = file
    .prepare<[], { entry: Buffer }>('SELECT entry FROM audit_entry ORDER BY seq')
    .all()
    .map(({ entry }): Entry => JSON.parse(entry.toString('utf8')))
  const of = (event: string) => entries.filter((entry) => entry.event === event)
  // One decision, at most one signature for each file.
  expect(of('approved')).toHaveLength(1)
  for (let ordinal = 0; ordinal < files; ordinal += 1) {
    const made = [...of('signed'), ...of('sign-failed').filter((entry) => entry.signatureMayExist === true)].filter(
      (entry) => entry.ordinal === ordinal,
    )
    expect(made.length).toBeLessThanOrEqual(1)
    // Asked again only after an intent that was withdrawn before the token saw it.
    const withdrawn = of('sign-failed').filter(
      (entry) => entry.ordinal === ordinal && entry.signatureMayExist === false,
    )
    expect(of('intent').filter((entry) => entry.ordinal === ordinal).length).toBeLessThanOrEqual(1 + withdrawn.length)
  }
  // Every outcome names an earlier intent, and every intent has an outcome or stands in an incident that was closed.
  const intents = new Set(of('intent').map((entry) => entry.seq))
  const settled = new Set<number>()
  for (const outcome of [...of('signed'), ...of('sign-failed')]) {
    expect(intents.has(outcome.intentSeq ?? 0)).toBe(true)
    settled.add(outcome.intentSeq ?? 0)
  }
  const inIncidents = new Set(of('incident-opened').flatMap((entry) => entry.openIntents ?? []))
  expect([...intents].filter((seq) => !settled.has(seq) && !inIncidents.has(seq))).toEqual([])
  expect([...settled].filter((seq) => inIncidents.has(seq))).toEqual([])
  expect(of('incident-closed')).toHaveLength(of('incident-opened').length)
  expect(
    file.prepare<[], { count: number }>("SELECT count(*) AS count FROM signature WHERE state = 'begun'").get()?.count,
  ).toBe(0)
  const vkey = file.prepare<[], { vkey: string }>('SELECT vkey FROM audit_log_key').get()?.vkey ?? ''
  const sizes = file.prepare<[], { size: number }>('SELECT size FROM audit_checkpoint ORDER BY size').all()
  file.close()
  // No checkpoint twice, and the last one, in the database and beside it, is for every entry.
  expect(new Set(sizes.map(({ size }) => size)).size).toBe(sizes.length)
  expect(sizes.at(-1)?.size).toBe(entries.length)
  const database = join(folders.profile, 'station.db')
  const wanted = parseCommandLine(['--vkey', vkey, '--checkpoint', `${database}.checkpoint`, database])
  if (wanted.kind !== 'wanted') throw new Error('wrong usage')
  expect(verifyTarget(wanted.wanted)).toMatchObject({ kind: 'verified', facts: { size: entries.length } })
}

async function checkServer(bench: Workbench, work: number): Promise<void> {
  const outputs = await bench.server.outputs(work)
  const signed = outputs.filter((output) => output.category === 'debusine:signing-output')
  // Uploaded once, whole, with one result for each file.
  expect(signed.length).toBeLessThanOrEqual(1)
  for (const output of outputs) expect(output.incomplete).toEqual([])
  const [output] = signed
  if (output === undefined) {
    expect(bench.server.workRequest(work)?.result).toBe('failure')
    return
  }
  const results = (output.data as { results: { output_file: string | null }[] }).results // our own upload
  expect(results).toHaveLength(files)
  expect(output.files).toHaveLength(results.filter((result) => result.output_file !== null).length)
  expect(bench.server.workRequest(work)?.result).toBe(output.files.length === files ? 'success' : 'failure')
}
