import {
  app,
  BrowserWindow,
  type IpcMainInvokeEvent,
  ipcMain,
  powerMonitor,
  type Session,
  session,
  type WebFrameMain,
} from 'electron'
import { ok, type Result } from '../../../shared/result.ts'
import type { CloseReason, Desktop, DesktopOptions, OpenFailure, Sender } from '../desktop.ts'
import { eventChannel, requestChannel } from '../message-channels.ts'
import { createRendererFiles, isStationPage, stationPage } from '../renderer-files.ts'
import { restartBudget } from '../restart-budget.ts'

/** The station's window in Electron. */
export async function openElectronDesktop(options: DesktopOptions): Promise<Result<Desktop, OpenFailure>> {
  // Only possible before the application is ready; the window asks for a sandbox by itself in any case.
  if (!app.isReady()) app.enableSandbox()
  // Without a listener Electron quits as soon as the window is closed; the composition root stops things in its own order.
  app.on('window-all-closed', () => {})
  app.on('web-contents-created', (_event, contents) =>
    contents.on('will-attach-webview', (event) => event.preventDefault()),
  )
  await app.whenReady()

  // A partition of its own, without `persist:`, lives in memory only.
  const own = session.fromPartition('station')
  denyEverything(own)
  serveRenderer(own, options)
  const closed = Promise.withResolvers<CloseReason>()
  const mayReturn = restartBudget(3, 10_000, () => performance.now())
  let ending: CloseReason | null = null

  const window = new BrowserWindow({
    title: options.title,
    width: 1360,
    height: 860,
    autoHideMenuBar: true,
    webPreferences: {
      session: own,
      preload: options.preloadFile,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      devTools: false,
      spellcheck: false,
    },
  })
  // No menu: its shortcuts open developer tools and reload.
  window.setMenu(null)
  const contents = window.webContents

  contents.setWindowOpenHandler(({ url }) => {
    options.log('window.target-closed', { url: url.slice(0, 200) })
    return { action: 'deny' }
  })
  function stay(event: { preventDefault: () => void; readonly url: string }): void {
    // Reload is a navigation to our own page.
    if (isStationPage(event.url)) return
    event.preventDefault()
    options.log('window.request-refused', { url: event.url.slice(0, 200) })
  }
  contents.on('will-navigate', stay)
  contents.on('will-frame-navigate', stay)
  contents.on('will-redirect', stay)
  contents.on('context-menu', (event) => event.preventDefault())
  contents.on('did-navigate', (_event, url) => {
    if (!isStationPage(url)) returnHome('window.page-left', { url: url.slice(0, 200) })
  })
  contents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (ending === null) returnHome('window.page-crashed', { reason, exitCode })
  })
  window.on('closed', () => closed.resolve(ending ?? 'user'))

  function returnHome(event: string, fields: Record<string, unknown>): void {
    options.log(event, fields)
    if (mayReturn()) {
      void contents.loadURL(stationPage).catch((error: unknown) => options.log('window.not-loaded', { error }))
      return
    }
    options.log('window.given-up', { reason: 'the page left or died four times in ten seconds' })
    ending ??= 'crash'
    window.destroy()
  }

  ipcMain.handle(requestChannel, (event, text: unknown) =>
    // Only our preload sends here, and it sends text; anything else is malformed to the router.
    options.onMessage(senderOf(event, window), typeof text === 'string' ? text : ''),
  )

  try {
    await contents.loadURL(stationPage)
  } catch (error) {
    ending = 'crash'
    window.destroy()
    return {
      ok: false,
      error: {
        kind: 'unavailable',
        code: 'window-not-opened',
        message: 'The window did not load the station’s page. Nothing was changed; the installation may be incomplete.',
        detail: error instanceof Error ? error.message : String(error),
      },
    }
  }

  return ok({
    runtime: 'electron',
    runtimeVersion: `Electron/${process.versions.electron}`,
    publish(event, payload) {
      if (!window.isDestroyed()) contents.send(eventChannel, JSON.stringify({ event, payload }))
    },
    focus() {
      if (window.isDestroyed()) return
      if (window.isMinimized()) window.restore()
      window.show()
      window.focus()
    },
    closed: closed.promise,
    onLock(listener) {
      // Linux has no lock-screen event in every session; suspend comes from logind.
      powerMonitor.on('lock-screen', listener)
      powerMonitor.on('suspend', listener)
    },
    // On Linux Electron hears of sleep only.
    seesLock: () => process.platform !== 'linux',
    async close() {
      ending ??= 'program'
      // `destroy`, not `close`: a page's beforeunload has no say in how the station ends.
      if (!window.isDestroyed()) window.destroy()
      await closed.promise
    },
  })
}

/** Who sent it, as Electron knows it: `senderFrame` is null when the frame is gone already. */
function senderOf(event: IpcMainInvokeEvent, window: BrowserWindow): Sender {
  const isStationWindow = !window.isDestroyed() && event.sender === window.webContents
  const frame: WebFrameMain | null = event.senderFrame
  return {
    isStationWindow,
    isMainFrame: isStationWindow && frame !== null && frame === window.webContents.mainFrame,
    origin: frame?.origin ?? 'unknown',
  }
}

function denyEverything(own: Session): void {
  // The request handler covers openExternal too, hence `mailto:` and other programs.
  own.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  own.setPermissionCheckHandler(() => false)
  own.setDevicePermissionHandler(() => false)
  own.on('will-download', (event) => event.preventDefault())
}

function serveRenderer(own: Session, options: DesktopOptions): void {
  const answerRequest = createRendererFiles(options.rendererDir, options.devServerUrl)
  async function answer(request: Request): Promise<Response> {
    // Navigations were stopped by the events above and frames by the policy, so that nothing here replaces a document.
    const verdict = await answerRequest({
      url: request.url,
      method: request.method,
      isDocument: false,
      isMainFrame: true,
    })
    if (verdict.kind !== 'serve') return new Response(null, { status: 403 })
    const { status, headers, body } = verdict.response
    return new Response(new Uint8Array(body), { status, headers })
  }
  own.protocol.handle('https', answer)
  own.protocol.handle('http', () => new Response(null, { status: 403 }))
}
