import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const uid = 20_001
const name = 'desk'
const home = `/home/${name}`
const runtime = `/run/user/${uid}`

/** The operator of this machine: an ordinary user, of whom the guest had not heard before. */
export const desk = {
  uid,
  name,
  home,
  runtime,
  profile: join(home, 'station'),
  /** Where yubihsm_pkcs11 is told which way to go. */
  yubihsmConfiguration: join(home, 'yubihsm_pkcs11.conf'),
  environment: {
    PATH: '/usr/bin:/bin',
    HOME: home,
    USER: name,
    LANG: 'C.UTF-8',
    XDG_RUNTIME_DIR: runtime,
    SIGNING_STATION_HEADLESS: '1',
    YUBIHSM_PKCS11_CONF: join(home, 'yubihsm_pkcs11.conf'),
  },
  /** As that user, with the groups that the user has now: a new login. */
  command(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
    return ['/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--init-groups', '--no-new-privs', ...command]
  },
  /** Runs a program to its end as that user. */
  run(program: string, ...args: readonly string[]): Promise<Ended> {
    return end(desk.command([program, ...args]), { cwd: process.cwd(), env: desk.environment })
  },
  /** What a person does who is told to type a command: `sudo` asks for no password here, and there is none to ask. */
  async type(command: string): Promise<void> {
    const { code, said } = await end(['/bin/sh', '-ec', command], {
      cwd: home,
      env: { ...desk.environment, PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    })
    if (code !== 0) throw new Error(`${command}: ${said}`)
  },
  /** `--doctor --json`, with these modules besides the station's. */
  doctor(...modules: readonly string[]): Promise<Ended> {
    const named = modules.flatMap((path) => ['--module', path])
    const main = ['out/main/index.js', '--profile', desk.profile, '--doctor', '--json', ...named]
    return desk.run(process.execPath, ...main)
  },
  useYubiHsm(connector: string): void {
    writeFileSync(desk.yubihsmConfiguration, `connector=${connector}\ntimeout=5\n`)
  },
} as const

type Ended = { readonly code: number | null; readonly said: string }

/** Never waits for a program with this thread: the devices that it may be waiting for live in it. */
async function end(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Ended> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, said }))
  })
}

/** Puts packages into the guest that are in the machine's cache and not installed there: what `apt-get install` would do. */
export function install(unpacked: readonly string[]): void {
  for (const root of unpacked) cpSync(join(root, 'usr'), '/usr', { recursive: true, verbatimSymlinks: true })
  execFileSync('/usr/sbin/ldconfig')
}

/** Makes the operator, and what he has. */
export function prepareDesk(): void {
  execFileSync('/usr/sbin/useradd', ['--uid', String(uid), '--user-group', '--create-home', '--shell', '/bin/sh', name])
  mkdirSync(runtime, { recursive: true, mode: 0o755 })
  chmodSync(runtime, 0o700)
  chownSync(runtime, uid, uid)
  // Readers that a package of the tests' virtual readers has set up for pcscd: no hardware of this machine.
  rmSync('/etc/reader.conf.d', { recursive: true, force: true })
  // `sudo`, for the commands that the program gives.
  program('/usr/local/bin/sudo', 'exec "$@"')
  // The product's browser.
  mkdirSync('/usr/lib/chromium', { recursive: true })
  program('/usr/lib/chromium/chromium', `exec ${process.execPath} /srv/guest/window.js 2>>${runtime}/window.log`)
}

function program(path: string, line: string): void {
  execFileSync('/bin/rm', ['-f', path])
  writeFileSync(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 })
}
