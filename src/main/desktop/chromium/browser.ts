import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type CdpPipe, openCdpPipe } from './cdp-pipe.ts'
import { browserEnvironment, chromiumArguments, chromiumBinary, displayIsLocal } from './command-line.ts'

export interface BrowserOptions {
  readonly title: string
  readonly runtimeDir: string
  readonly headless: boolean
  readonly development: boolean
  readonly log: (event: string, fields: Record<string, unknown>) => void
}

export type BrowserExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** One running browser with its own throw-away profile. */
export interface Browser {
  readonly pipe: CdpPipe
  readonly pid: number
  /** The process has ended and its profile is deleted. */
  readonly exited: Promise<BrowserExit>
  kill(): void
}

const profilePrefix = 'browser-'

/** Removes what a killed station left behind; only one station at a time owns a runtime folder. */
export async function removeOldProfiles(runtimeDir: string): Promise<void> {
  const old = (await readdir(runtimeDir)).filter((name) => name.startsWith(profilePrefix))
  await Promise.all(old.map((name) => removeProfile(join(runtimeDir, name))))
}

/** Rejects only where the process cannot be started at all. */
export async function startBrowser(options: BrowserOptions): Promise<Browser> {
  // mkdtemp makes it 0700.
  const profileDir = await mkdtemp(join(options.runtimeDir, profilePrefix))
  const args = chromiumArguments({ ...options, profileDir })
  const env = browserEnvironment(process.env)
  // A user namespace of our own, in which our user is itself, and a network namespace without a single interface that is up.
  const alone = !options.development && displayIsLocal(process.env) && (await canUnshare())
  const [command, ...before] = alone ? [unshare, ...unshareArguments, chromiumBinary] : [chromiumBinary]
  const child = spawn(command, [...before, ...args], { env, stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const exited = exitOf(child).then(async (exit) => {
    await removeProfile(profileDir)
    return exit
  })
  const pid = await pidOf(child)
  options.log('browser.started', { pid, networkNamespace: alone ? 'empty' : 'shared' })
  // Given by `stdio` above: fd 3 goes to the browser, fd 4 comes from it.
  const pipe = openCdpPipe(child.stdio[3] as Writable, child.stdio[4] as Readable)
  return { pipe, pid, exited, kill: () => void child.kill('SIGKILL') }
}

const unshare = '/usr/bin/unshare'
const unshareArguments = ['--map-current-user', '--net', '--'] as const

/** User namespaces may be switched off (kernel.unprivileged_userns_clone, AppArmor), and --map-current-user needs util-linux 2.38. */
async function canUnshare(): Promise<boolean> {
  const trial = spawn(unshare, [...unshareArguments, '/bin/true'], { stdio: 'ignore', env: {} })
  return (await exitOf(trial)).code === 0
}

function exitOf(child: ChildProcess): Promise<BrowserExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
}

function pidOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () =>
      child.pid === undefined ? reject(new Error('the browser has no process id')) : resolve(child.pid),
    )
    child.once('error', reject)
  })
}

async function removeProfile(profileDir: string): Promise<void> {
  // Children of a killed browser may still be writing for a moment.
  await rm(profileDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }).catch(() => {})
}
