import { type Browser, test as base, chromium, type Page } from '@playwright/test'
import { cdpTransport } from './cdp-transport.ts'
import { electronMissing, startElectron } from './real-electron.ts'
import {
  makeFolders,
  missing,
  removeFolders,
  type StationExit,
  type StationFolders,
  type StationOptions,
  type StationProcess,
  startStation,
  type WindowKind,
} from './station-process.ts'

/** A running station as a test sees it. */
export interface StationApp {
  readonly folders: StationFolders
  readonly pid: number
  /** The process has ended. */
  readonly exit: Promise<StationExit>
  log(): string
  logged(text: string | RegExp): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** Attaches to the window that is there now: after a crash of the browser it is a new one. */
  attach(): Promise<Page>
  /** A second process with the same folders. */
  startAnother(options?: Pick<StationOptions, 'args' | 'env' | 'asTestUser'>): StationProcess
}

export interface StationTestOptions {
  readonly windowKind: WindowKind
  /** Environment of the station on top of the harness's own. */
  readonly stationEnv: Readonly<Record<string, string>>
  /** Arguments after `--profile DIR`. */
  readonly stationArgs: readonly string[]
  /** What stands before the station's command. */
  readonly stationWithin: readonly string[]
}

interface Fixtures {
  readonly folders: StationFolders
  readonly app: StationApp
  /** The station's window. */
  readonly page: Page
}

export const test = base.extend<StationTestOptions & Fixtures>({
  windowKind: ['chromium', { option: true }],
  stationEnv: [{}, { option: true }],
  stationArgs: [[], { option: true }],
  stationWithin: [[], { option: true }],

  // Playwright reads which fixtures a fixture needs from its parameter: none.
  // oxlint-disable-next-line no-empty-pattern
  folders: async ({}, use) => {
    const folders = makeFolders()
    await use(folders)
    removeFolders(folders)
  },

  app: async ({ windowKind, stationEnv, stationArgs, stationWithin, folders }, use, testInfo) => {
    const reason = missing() ?? (windowKind === 'electron' ? electronMissing() : null)
    base.skip(reason !== null, reason ?? '')
    const options: StationOptions = {
      window: windowKind,
      folders,
      env: stationEnv,
      args: stationArgs,
      within: stationWithin,
    }
    const others: StationProcess[] = []
    const browsers: Browser[] = []
    const electron = windowKind === 'electron' ? await startElectron(options) : null
    const station = electron?.station ?? startStation(options)
    const app: StationApp = {
      folders,
      pid: station.pid,
      exit: station.exit,
      log: () => station.log(),
      logged: (text) => station.logged(text),
      kill: (signal) => station.kill(signal),
      async attach() {
        if (electron !== null) return await electron.attach()
        const { browser, page } = await attach(station)
        browsers.push(browser)
        return page
      },
      startAnother(options = {}) {
        const other = startStation({
          window: windowKind === 'electron' ? 'chromium' : windowKind,
          folders,
          within: stationWithin,
          ...options,
        })
        others.push(other)
        return other
      },
    }
    await use(app)
    await Promise.all(browsers.map((browser) => browser.close().catch(() => {})))
    const all = [station, ...others]
    for (const process of all) process.kill('SIGTERM')
    const force = setTimeout(() => {
      for (const process of all) process.kill('SIGKILL')
    }, endLimitMs)
    await Promise.all(all.map((process) => process.exit))
    clearTimeout(force)
    await testInfo.attach('station.log', { body: station.log(), contentType: 'text/plain' })
  },

  page: async ({ app }, use) => {
    await use(await app.attach())
  },
})

export { expect } from '@playwright/test'

const attachLimitMs = 40_000
/** A window that is only just opening can leave a first attachment without an answer. */
const attachOnceMs = 5_000
const endLimitMs = 10_000

/** Attaches to the window of a station that a test started by itself. */
export async function attach(station: StationProcess): Promise<{ browser: Browser; page: Page }> {
  const until = Date.now() + attachLimitMs
  for (;;) {
    try {
      return await attachOnce(station)
    } catch (error) {
      if (station.ended() || Date.now() > until) {
        throw new Error(`no window to attach to:\n${station.log()}`, { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function attachOnce(station: StationProcess): Promise<{ browser: Browser; page: Page }> {
  const browser = await chromium.connectOverCDP(await cdpTransport(station.cdpSocket), { timeout: attachOnceMs })
  const page = browser
    .contexts()[0]
    ?.pages()
    .find((candidate) => candidate.url().startsWith('https://station.invalid/'))
  if (page === undefined) {
    await browser.close()
    throw new Error('the station’s page is not there yet')
  }
  await page.waitForFunction(() => 'station' in globalThis, null, { timeout: 5_000 })
  return { browser, page }
}
