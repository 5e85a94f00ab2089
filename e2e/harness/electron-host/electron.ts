import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserWindowConstructorOptions } from 'electron'
import { type Browser, startBrowser } from '../../../src/main/desktop/chromium/browser.ts'
import { type ChromiumWindow, openChromiumWindow } from '../../../src/main/desktop/chromium/window.ts'
import type { Sender } from '../../../src/main/desktop/desktop.ts'
import { type RendererRequest, stationPage, type Verdict } from '../../../src/main/desktop/renderer-files.ts'

// The part of Electron's interface that the product's adapter uses, and no more: anything else is undefined and fails at once.
// It refuses settings that would not be safe in the real Electron, so that the specs guard them.

type Serve = (request: Request) => Response | Promise<Response>
type IpcListener = (
  event: { readonly sender: WebContents; readonly senderFrame: Frame | null },
  ...args: unknown[]
) => unknown

interface Frame {
  readonly origin: string
}

const navigationEvents = ['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview']
const ipcListeners = new Map<string, IpcListener>()

class App extends EventEmitter {
  sandboxed = false
  #ready = false

  isReady(): boolean {
    return this.#ready
  }

  enableSandbox(): void {
    if (this.#ready) throw new Error('enableSandbox after the application is ready')
    this.sandboxed = true
  }

  async whenReady(): Promise<void> {
    await new Promise(setImmediate)
    this.#ready = true
  }

  exit(code = 0): never {
    process.exit(code)
  }
}

class HostSession extends EventEmitter {
  readonly denied = { request: false, check: false, device: false }
  readonly schemes = new Map<string, Serve>()
  readonly protocol = { handle: (scheme: string, serve: Serve): void => void this.schemes.set(scheme, serve) }

  setPermissionRequestHandler(
    handler: (contents: null, permission: string, answer: (granted: boolean) => void) => void,
  ): void {
    handler(null, 'openExternal', (granted) => (this.denied.request = !granted))
  }

  setPermissionCheckHandler(handler: () => boolean): void {
    this.denied.check = !handler()
  }

  setDevicePermissionHandler(handler: () => boolean): void {
    this.denied.device = !handler()
  }
}

class WebContents extends EventEmitter {
  readonly mainFrame: Frame = { origin: 'https://station.invalid' }
  readonly loaded: Promise<void>
  #deliver: (name: string, text: string) => void
  #deniesWindows = false

  constructor(loaded: Promise<void>, deliver: (name: string, text: string) => void) {
    super()
    this.loaded = loaded
    this.#deliver = deliver
  }

  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    if (handler({ url: 'https://example.com/' }).action !== 'deny') throw new Error('a new window is not denied')
    this.#deniesWindows = true
  }

  async loadURL(url: string): Promise<void> {
    if (url !== stationPage) throw new Error(`the window loads ${url}`)
    const missing = navigationEvents.filter((name) => this.listenerCount(name) === 0)
    if (missing.length > 0 || !this.#deniesWindows)
      throw new Error(`not locked down before loading: ${missing.join(', ')}`)
    await this.loaded
  }

  send(name: string, text: string): void {
    this.#deliver(name, text)
  }
}

class BrowserWindow extends EventEmitter {
  readonly webContents: WebContents
  #browser: Browser | null = null
  #window: ChromiumWindow | null = null
  #destroyed = false

  constructor(options: BrowserWindowConstructorOptions) {
    super()
    const {
      sandbox,
      contextIsolation,
      nodeIntegration,
      webviewTag,
      devTools,
      preload,
      session: own,
    } = options.webPreferences ?? {}
    if (
      sandbox !== true ||
      contextIsolation !== true ||
      nodeIntegration !== false ||
      webviewTag !== false ||
      devTools !== false
    ) {
      throw new Error(
        'webPreferences are not safe: sandbox, contextIsolation on; nodeIntegration, webviewTag, devTools off',
      )
    }
    if (!app.sandboxed) throw new Error('the sandbox is not enabled for all processes')
    // What fromPartition gave is our own class.
    const hostSession = own as unknown as HostSession
    if (!(hostSession.denied.request && hostSession.denied.check && hostSession.denied.device))
      throw new Error('permissions are not denied')
    if (preload === undefined) throw new Error('no preload')
    const loaded = this.#start(options.title ?? '', readFileSync(preload, 'utf8'), hostSession)
    loaded.catch(() => {})
    this.webContents = new WebContents(loaded, (name, text) => this.#window?.send(name, text))
    app.emit('web-contents-created', {}, this.webContents)
  }

  async #start(title: string, preload: string, own: HostSession): Promise<void> {
    const runtimeDir = join(process.env['XDG_RUNTIME_DIR'] ?? '/nonexistent', 'electron-host')
    mkdirSync(runtimeDir, { recursive: true, mode: 0o700 })
    const headless = process.env['SIGNING_STATION_HEADLESS'] === '1'
    const browser = await startBrowser({ title, runtimeDir, headless, development: false, log: () => {} })
    this.#browser = browser
    void browser.exited.then(() => this.#gone())
    this.#window = openChromiumWindow(browser.pipe, {
      preload,
      answerRequest: (request) => this.#answer(own, request),
      onInvoke: (sender, name, text) => this.#invoke(sender, name, text),
      onLost: () => browser.kill(),
      log: () => {},
      now: () => performance.now(),
    })
    void this.#window.closed.then(() => browser.pipe.tell('Browser.close'))
    await browser.pipe.call('Browser.setDownloadBehavior', { behavior: 'deny' })
    await browser.pipe.call('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true })
    await this.#window.opened
    channel('station:cdp').publish(browser.pipe)
  }

  async #answer(own: HostSession, { url, method, isDocument, isMainFrame }: RendererRequest): Promise<Verdict> {
    if (isDocument && url !== stationPage) {
      let prevented = 0
      const event = { url, preventDefault: () => (prevented += 1) }
      if (isMainFrame) this.webContents.emit('will-navigate', event)
      this.webContents.emit('will-frame-navigate', event)
      if (prevented > 0) return { kind: 'stay' }
    }
    const serve = own.schemes.get(new URL(url).protocol.slice(0, -1))
    if (serve === undefined) return { kind: isDocument ? 'stay' : 'block' }
    const response = await serve(new Request(url, { method }))
    const body = new Uint8Array(await response.arrayBuffer())
    return { kind: 'serve', response: { status: response.status, headers: Object.fromEntries(response.headers), body } }
  }

  async #invoke(sender: Sender, name: string, text: string): Promise<string> {
    const listener = ipcListeners.get(name)
    if (listener === undefined) throw new Error(`no handler for ${name}`)
    const senderFrame = sender.isMainFrame ? this.webContents.mainFrame : { origin: sender.origin }
    // The adapter's handler answers text.
    return (await listener({ sender: this.webContents, senderFrame }, text)) as string
  }

  #gone(): void {
    this.#destroyed = true
    this.emit('closed')
  }

  setMenu(menu: unknown): void {
    if (menu !== null) throw new Error('a menu has shortcuts')
  }

  isDestroyed(): boolean {
    return this.#destroyed
  }

  isMinimized(): boolean {
    return false
  }

  restore(): void {}

  show(): void {
    this.#window?.focus()
  }

  focus(): void {
    this.#window?.focus()
  }

  destroy(): void {
    this.#destroyed = true
    if (this.#browser === null) this.#gone()
    else this.#browser.pipe.tell('Browser.close')
  }
}

export const app = new App()
export const powerMonitor = new EventEmitter()
export const session = {
  fromPartition(partition: string): HostSession {
    if (partition.startsWith('persist:')) throw new Error('the partition is kept on disk')
    return new HostSession()
  },
}
export const ipcMain = { handle: (name: string, listener: IpcListener): void => void ipcListeners.set(name, listener) }
export { BrowserWindow }
