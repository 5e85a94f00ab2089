import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { CloseReason, Desktop, DesktopOptions, OpenFailure } from '../desktop.ts'
import { eventChannel, requestChannel } from '../message-channels.ts'
import { createRendererFiles } from '../renderer-files.ts'
import { restartBudget } from '../restart-budget.ts'
import { type Browser, removeOldProfiles, startBrowser } from './browser.ts'
import { chromiumBinary } from './command-line.ts'
import { watchDeskLock } from './desk-lock.ts'
import { startProblem } from './start-problem.ts'
import { type ChromiumWindow, openChromiumWindow } from './window.ts'

/** Time in which the window has to be there: 0.5 s is usual. */
const startLimitMs = 10_000
const closeLimitMs = 5_000

/** Each pipe to a browser, when its window is open. Nothing in the program listens; end-to-end tests attach here, hence without a port. */
const cdpChannel = diagnosticsChannel('station:cdp')

interface Running {
  readonly browser: Browser
  readonly window: ChromiumWindow
  readonly version: string
}

/** The station's window in Debian's Chromium, over a private pipe. */
export async function openChromiumDesktop(options: DesktopOptions): Promise<Result<Desktop, OpenFailure>> {
  if (!(await isExecutable(chromiumBinary))) return err(browserMissing)
  const starter = await createStarter(options)
  await removeOldProfiles(options.runtimeDir)
  let running: Running | null
  try {
    running = await starter()
  } catch (error) {
    options.log('browser.start-failed', { error })
    return err(await windowNotOpened(error))
  }
  const version = running.version
  const deskLock = watchDeskLock(options.log)
  let ending: CloseReason | null = null
  // A function, because `ending` changes while others are awaited.
  const endedBy = (): CloseReason | null => ending

  /** A crash of the browser is not the end: the next one takes over, within a budget. */
  async function supervise(first: Running): Promise<CloseReason> {
    const mayRestart = restartBudget(3, 60_000, () => performance.now())
    let current = first
    for (;;) {
      running = current
      const { code, signal } = await current.browser.exited
      running = null
      const asked = endedBy()
      if (asked !== null) return asked
      if (current.window.lost()) return 'crash'
      if (code === 0) return 'user'
      options.log('browser.died', { code, signal })
      if (!mayRestart()) return 'crash'
      try {
        current = await starter()
      } catch (error) {
        options.log('browser.restart-failed', { error, hint: await startProblem() })
        return endedBy() ?? 'crash'
      }
      if (endedBy() !== null) current.browser.kill()
    }
  }

  const closed = supervise(running)
  void closed.then(() => deskLock.stop())

  return ok({
    runtime: 'chromium',
    runtimeVersion: version,
    publish: (event, payload) => running?.window.send(eventChannel, JSON.stringify({ event, payload })),
    focus: () => running?.window.focus(),
    closed,
    onLock: (listener) => deskLock.onLock(listener),
    seesLock: () => deskLock.isSeen(),
    async close() {
      ending ??= 'program'
      const browser = running?.browser
      const limit = setTimeout(() => browser?.kill(), closeLimitMs)
      browser?.pipe.tell('Browser.close')
      await closed
      clearTimeout(limit)
    },
  })
}

async function createStarter(options: DesktopOptions): Promise<() => Promise<Running>> {
  const { title, runtimeDir, log } = options
  const preload = await readFile(options.preloadFile, 'utf8')
  const headless = process.env['SIGNING_STATION_HEADLESS'] === '1'
  const development = options.devServerUrl !== null
  const answerRequest = createRendererFiles(options.rendererDir, options.devServerUrl)

  return async () => {
    const browser = await startBrowser({ title, runtimeDir, headless, development, log })
    const window = openChromiumWindow(browser.pipe, {
      preload,
      answerRequest,
      // Another channel name is not our preload's: an empty text is malformed to the router, which logs it.
      onInvoke: (sender, channel, text) => options.onMessage(sender, channel === requestChannel ? text : ''),
      onLost(reason) {
        void startProblem().then((hint) => log('window.given-up', { reason, hint }))
        browser.kill()
      },
      log,
      now: () => performance.now(),
    })
    // Headless Chromium lives on without its last page; with a screen it ends by itself.
    void window.closed.then(() => browser.pipe.tell('Browser.close'))
    const limit = setTimeout(() => browser.kill(), startLimitMs)
    try {
      const version = await prepare(browser)
      await window.opened
      cdpChannel.publish(browser.pipe)
      return { browser, window, version }
    } catch (error) {
      browser.kill()
      await browser.exited
      throw error
    } finally {
      clearTimeout(limit)
    }
  }
}

async function prepare({ pipe }: Browser): Promise<string> {
  const { product } = await pipe.call('Browser.getVersion')
  await pipe.call('Browser.setDownloadBehavior', { behavior: 'deny' })
  await pipe.call('Browser.grantPermissions', { permissions: [] })
  await pipe.call('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true })
  return typeof product === 'string' ? product : 'Chromium'
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

const browserMissing: OpenFailure = {
  kind: 'unavailable',
  code: 'browser-missing',
  message: `The window needs Chromium at ${chromiumBinary}, and it is not there. Nothing was changed; install Debian's package chromium and start again.`,
}

async function windowNotOpened(error: unknown): Promise<OpenFailure> {
  return {
    kind: 'unavailable',
    code: 'window-not-opened',
    message: `Chromium was started and did not show the station's window within ${startLimitMs / 1000} seconds. Nothing was changed. ${await startProblem()} Without a screen, set SIGNING_STATION_HEADLESS=1.`,
    detail: error instanceof Error ? error.message : String(error),
  }
}
