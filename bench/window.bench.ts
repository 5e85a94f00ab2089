// The window as an operator meets it: from the start of the process to the first paint and to the first useful one, and frames that
// are missed while 10,000 requests are scrolled: `node bench/window.bench.ts`. Wants a built program and a machine that does nothing
// else; the load is printed, because on a busy one the figures say more about the others.
import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { attach } from '../e2e/harness/fixtures.ts'
import {
  makeFolders,
  missing,
  removeFolders,
  type StationFolders,
  startStation,
} from '../e2e/harness/station-process.ts'
import { insertDone, makeStation } from '../e2e/workbench/many-requests.ts'
import { type Scroll, scrollGrid, shareOf } from './testing/scroll.ts'

const runs = 7
const requests = 10_000
/** `dropped`: more than a page that stands still drops in the same window, in the same minute. */
const limits = { usefulMs: 1000, dropped: 0.05 }

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const say = (line: string) => void process.stdout.write(`${line}\n`)

interface Start {
  readonly firstPaintMs: number
  readonly usefulMs: number
}

/** One cold start with a browser profile of its own. Both times count from before the process exists. */
async function start(folders: StationFolders): Promise<Start> {
  const began = performance.timeOrigin + performance.now()
  const station = startStation({ window: 'chromium', folders })
  const { page } = await attach(station)
  await page.getByRole('heading', { level: 1, name: 'Requests' }).waitFor()
  const seen = await page.evaluate(async () => {
    // Recorded by the browser while nobody was attached: asking later costs the figures nothing.
    const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN
    const large = await new Promise<readonly { readonly at: number; readonly useful: boolean }[]>((resolve) => {
      const all: { at: number; useful: boolean }[] = []
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
          all.push({ at: entry.startTime, useful: Reflect.get(entry, 'element')?.closest?.('main, nav') != null })
        resolve(all)
      }).observe({ type: 'largest-contentful-paint', buffered: true })
    })
    // The heading or a row of the list: what an operator can begin with.
    const useful = large.find((each) => each.useful)?.at ?? Number.NaN
    return { origin: performance.timeOrigin, painted, useful }
  })
  station.kill('SIGTERM')
  await station.exit
  return { firstPaintMs: seen.origin + seen.painted - began, usefulMs: seen.origin + seen.useful - began }
}

/** Scrolls the list of what is done. */
async function scroll(page: Page, pixelsAFrame: number): Promise<Scroll> {
  await page.getByRole('tab', { name: 'Done' }).click()
  return await scrollGrid(page.getByRole('grid', { name: 'Requests that are done' }), pixelsAFrame)
}

const reason = missing()
if (reason !== null || !existsSync(join(import.meta.dirname, '..', 'out', 'renderer'))) {
  say(`not measured: ${reason ?? 'the renderer is not built (npm run build)'}`)
  process.exit(1)
}
const folders = makeFolders()
let good = true
try {
  await makeStation(folders)
  insertDone(folders, requests)
  say(
    `load before: ${loadavg()
      .map((value) => value.toFixed(1))
      .join(' ')}`,
  )

  const starts: Start[] = []
  for (let run = 0; run < runs; run += 1) starts.push(await start(folders))
  const paint = median(starts.map(({ firstPaintMs }) => firstPaintMs))
  const useful = median(starts.map(({ usefulMs }) => usefulMs))
  if (!(useful <= limits.usefulMs)) good = false
  say(
    [
      `start of an existing station with ${requests} requests, ${runs} runs, each with a new browser profile:`,
      `first contentful paint ${paint.toFixed(0)} ms`,
      `first useful paint ${useful.toFixed(0)} ms (limit ${limits.usefulMs}; runs ${starts.map(({ usefulMs }) => usefulMs.toFixed(0)).join(' ')})`,
    ].join(' '),
  )

  const station = startStation({ window: 'chromium', folders })
  const { page } = await attach(station)
  for (const [how, step] of [
    ['as with a wheel', 40],
    ['as fast as a thumb drags', 1200],
  ] as const) {
    const idle = shareOf(await scroll(page, 0))
    const moved = await scroll(page, step)
    const more = shareOf(moved) - idle
    if (more > limits.dropped) good = false
    say(
      [
        `scrolled ${how}: ${moved.frames} frames, ${(shareOf(moved) * 100).toFixed(1)} % dropped`,
        `${(idle * 100).toFixed(1)} % by a page that stands still (difference ${(more * 100).toFixed(1)}, limit ${limits.dropped * 100})`,
        `95 % of the frames within ${moved.p95Ms.toFixed(1)} ms`,
        `longest ${moved.longestMs.toFixed(0)} ms`,
      ].join('; '),
    )
  }
  station.kill('SIGTERM')
  await station.exit
  say(
    `load after: ${loadavg()
      .map((value) => value.toFixed(1))
      .join(' ')}`,
  )
} finally {
  removeFolders(folders)
}
process.exitCode = good ? 0 : 1
