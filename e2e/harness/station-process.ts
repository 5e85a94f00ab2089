import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Which window draws the station in a test. */
export type WindowKind = 'chromium' | 'electron-host' | 'electron'

/** The unprivileged account of tests that run as root; it needs no entry in /etc/passwd. */
const testUid = 20_001

const root = join(import.meta.dirname, '..', '..')

export interface StationFolders {
  /** Above the others; deleted at the end of the test. */
  readonly base: string
  readonly profile: string
  readonly home: string
  readonly runtime: string
}

export interface StationExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface StationProcess {
  readonly pid: number
  readonly exit: Promise<StationExit>
  readonly cdpSocket: string
  ended(): boolean
  /** What it wrote so far, standard output and error together. */
  log(): string
  /** Resolves when `text` is in the log; rejects when the process ends without it. */
  logged(text: string | RegExp): Promise<void>
  kill(signal: NodeJS.Signals): void
}

export interface StationOptions {
  readonly window: WindowKind
  readonly folders: StationFolders
  /** After `--profile DIR`. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What stands before the command: `nsenter …`, for a machine of the test's own. */
  readonly within?: readonly string[]
  /** Runs it as the user of the test even if that is root. */
  readonly asTestUser?: boolean
}

/** The entry that is tested: the product, or the file that SIGNING_STATION_MAIN names. */
export function mainFile(): string {
  return process.env['SIGNING_STATION_MAIN'] ?? join(root, 'out', 'main', 'index.js')
}

/** Short names: a Unix socket's path holds 107 bytes. */
export function makeFolders(): StationFolders {
  const base = mkdtempSync(join(tmpdir(), 'st-'))
  const folders = { base, profile: join(base, 'profile'), home: join(base, 'home'), runtime: join(base, 'run') }
  for (const folder of Object.values(folders)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    if (isRoot()) chownSync(folder, testUid, testUid)
  }
  return folders
}

export function removeFolders(folders: StationFolders): void {
  rmSync(folders.base, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

/** Starts the built program as an operator would: another user than root, its own home, profile and runtime folder. */
export function startStation(options: StationOptions): StationProcess {
  const { folders } = options
  const cdpSocket = join(folders.runtime, 'cdp.sock')
  const imports =
    options.window === 'electron-host' ? ['electron-host/register.ts', 'cdp-bridge.ts'] : ['cdp-bridge.ts']
  const node = [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    ...imports.flatMap((file) => ['--import', join(import.meta.dirname, file)]),
    mainFile(),
    '--profile',
    folders.profile,
    ...(options.args ?? []),
  ]
  const drop = isRoot() && options.asTestUser !== true
  const setpriv = ['/usr/bin/setpriv', `--reuid=${testUid}`, `--regid=${testUid}`, '--clear-groups', '--no-new-privs']
  const [command = '', ...args] = [...(options.within ?? []), ...(drop ? setpriv : []), ...node]
  const child = spawn(command, args, {
    cwd: folders.home,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: folders.home,
      XDG_RUNTIME_DIR: folders.runtime,
      LANG: 'C.UTF-8',
      STATION_TEST_CDP_SOCKET: cdpSocket,
      ...screen(),
      ...options.env,
    },
  })
  return follow(child, cdpSocket)
}

/** Collects what a started station writes, and its end. */
export function follow(child: ChildProcess, cdpSocket: string): StationProcess {
  let text = ''
  const waiting = new Set<() => void>()
  const exit = new Promise<StationExit>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })))
  let ended = false
  void exit.then(() => {
    ended = true
    for (const look of waiting) look()
    return null
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (const look of waiting) look()
    })
  }
  return {
    pid: child.pid ?? -1,
    exit,
    cdpSocket,
    ended: () => ended,
    log: () => text,
    logged: (wanted) =>
      new Promise((resolve, reject) => {
        function look(): void {
          const found = typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)
          if (!found && !ended) return
          waiting.delete(look)
          if (found) resolve()
          else reject(new Error(`the station ended without writing ${String(wanted)}:\n${text}`))
        }
        waiting.add(look)
        look()
      }),
    kill: (signal) => void child.kill(signal),
  }
}

function screen(): Record<string, string> {
  const display = process.env['DISPLAY']
  if (display === undefined || display === '' || process.env['SIGNING_STATION_HEADLESS'] === '1')
    return { SIGNING_STATION_HEADLESS: '1' }
  const authority = process.env['XAUTHORITY']
  return { DISPLAY: display, ...(authority === undefined ? {} : { XAUTHORITY: authority }) }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** Why the station cannot be tested here, or null. */
export function missing(): string | null {
  if (!existsSync('/usr/lib/chromium/chromium')) return 'Chromium is not installed (Debian package chromium)'
  if (!existsSync(mainFile())) return `${mainFile()} is not built (npm run build)`
  return null
}
