import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { insertCard } from './vpcd.ts'
import { VirtualYubiKey, type YubiKeyOptions } from './yubikey/virtual-yubikey.ts'

/** Programs of the room, and the Debian package of each. */
const programs = {
  '/usr/bin/unshare': 'util-linux',
  '/usr/bin/nsenter': 'util-linux',
  '/usr/bin/setpriv': 'util-linux',
  '/usr/sbin/ip': 'iproute2',
  '/usr/sbin/pcscd': 'pcscd',
  '/usr/lib/pcsc/drivers/serial/libifdvpcd.so': 'vsmartcard-vpcd',
} as const
const driver = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so'

/** The driver's own first port. */
const firstPort = 0x8c7b
/** How often pcscd looks whether a card is in a reader. */
const pollMs = 400

const isRoot = process.getuid?.() === 0
/** An ordinary user is root in a user namespace of his own. */
const unshareFlags = [
  ...(isRoot ? [] : ['--user', '--map-root-user']),
  '--mount',
  '--net',
  '--pid',
  '--fork',
  '--kill-child',
]

/** Why no virtual reader can be had on this machine, as a reason for a skipped test; null if it can. */
export function whyNoReader(): string | null {
  const missing = Object.entries(programs).find(([path]) => !existsSync(path))
  if (missing !== undefined) return `${missing[0]} is not there (Debian package ${missing[1]})`
  const tried = spawnSync('/usr/bin/unshare', [...unshareFlags, '/usr/sbin/ip', 'link', 'set', 'lo', 'up'], {
    encoding: 'utf8',
  })
  if (tried.status === 0) return null
  return `this user may not make namespaces: ${tried.stderr.trim() || tried.error?.message || 'unshare failed'}`
}

export type Finished = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export type RunOptions = {
  readonly input?: string | Uint8Array
  /** Added to the environment of the test. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

type Place = { key: VirtualYubiKey | null; socket: Socket | null; cutAt: number }

/**
 * A pcscd with readers that look like YubiKeys', in namespaces of its own: nothing else on the machine sees it, and several can run
 * at once. Processes that are run inside see this pcscd and the network of the machine. When the test ends, however it ends,
 * nothing stays: pcscd and its helper go with their namespace, what was run inside is killed, the folder is removed.
 */
export class ReaderRoom {
  /** Stands for the `node` binary: a Node whose processes are inside. */
  readonly node: string
  readonly #room: ChildProcess
  readonly #places: Place[]
  readonly #children = new Set<ChildProcess>()
  readonly #folder: string
  #log = ''
  #calls = 0

  private constructor(room: ChildProcess, folder: string, slots: number) {
    this.#room = room
    this.#folder = folder
    this.#places = Array.from({ length: slots }, () => ({ key: null, socket: null, cutAt: -Infinity }))
    this.node = join(folder, 'node')
    const words = [...this.#enter('$PWD'), process.execPath, '$@'].map((word) =>
      word === '$PWD' || word === '$@' ? `"${word}"` : `'${word.replaceAll("'", `'\\''`)}'`,
    )
    writeFileSync(this.node, `#!/bin/sh\nexec ${words.join(' ')}\n`, { mode: 0o755 })
    room.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text
    })
  }

  /** `slots`: how many keys can be plugged in at once. */
  static async open(slots = 2): Promise<ReaderRoom> {
    const folder = mkdtempSync(join(tmpdir(), 'station-reader-'))
    const readers = join(folder, 'readers')
    mkdirSync(readers)
    const ports = Array.from({ length: slots }, (_, slot) => firstPort + slot)
    // Each entry makes two readers, "… 00 00" and "… 00 01", on its port and the next one.
    const entries = ports.filter((_, slot) => slot % 2 === 0)
    for (const [index, port] of entries.entries()) writeFileSync(join(readers, `reader-${index}`), readerEntry(port))
    const here = import.meta.dirname
    const script = [join(here, 'reader-room.sh'), readers, process.execPath, join(here, 'reader-agent.ts'), folder]
    const room = spawn('/usr/bin/unshare', [...unshareFlags, '/bin/sh', ...script, ...ports.map(String)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    })
    const opened = new ReaderRoom(room, folder, slots)
    const ended = once(room, 'exit').then(() => {
      throw new Error(`the virtual reader did not start: ${opened.#log.trim()}`)
    })
    await Promise.race([once(room, 'message'), ended])
    ended.catch(() => {})
    return opened
  }

  /** What pcscd said. */
  get log(): string {
    return this.#log
  }

  /** Plugs a key in and waits until pcscd has seen it. Without `slot`: where there is room. */
  async plug(key: VirtualYubiKey, slot = this.#places.findIndex((place) => place.key === null)): Promise<void> {
    const place = this.#place(slot)
    if (place.key !== null) throw new Error(`there is a key in slot ${slot}`)
    place.key = key
    // A connection that was cut in a command: the reader must have found the slot empty once, or it would miss the change.
    await delay(Math.max(0, place.cutAt + 2 * pollMs - performance.now()))
    for (let tries = 5; !(await this.#insert(key, slot, place)); tries--) {
      if (tries === 0) throw new Error(`the reader does not see a key in slot ${slot}: ${this.#log.trim()}`)
    }
  }

  /** False: the reader missed that there was no key for a while, and did not switch this one on. It has seen it go again. */
  async #insert(key: VirtualYubiKey, slot: number, place: Place): Promise<boolean> {
    const socket = await this.#connect(firstPort + slot)
    place.socket = socket
    key.onDeath(() => {
      place.cutAt = performance.now()
      socket.destroy()
    })
    socket.on('close', () => {
      if (place.socket !== socket) return
      Object.assign(place, { key: null, socket: null })
    })
    const seen = await Promise.race([insertCard(socket, key).then(() => true), delay(4 * pollMs, false)])
    if (seen) return true
    place.socket = null
    await hangUp(socket)
    return false
  }

  /** Whether the key is in a reader. */
  holds(key: VirtualYubiKey): boolean {
    return this.#places.some((place) => place.key === key)
  }

  /** Pulls the key, also in the middle of a command, and waits until the reader has noticed. */
  async unplug(key: VirtualYubiKey): Promise<void> {
    const place = this.#places.find((candidate) => candidate.key === key)
    if (place?.socket === undefined || place.socket === null) return
    const { socket } = place
    if (key.blinking) place.cutAt = performance.now()
    if (!(await hangUp(socket))) place.cutAt = performance.now()
  }

  /** One key out, another in, in the same slot. */
  async swap(out: VirtualYubiKey, into: VirtualYubiKey): Promise<void> {
    const slot = this.#places.findIndex((place) => place.key === out)
    await this.unplug(out)
    await this.plug(into, slot)
  }

  /** The command that runs `command` inside, in a folder. It keeps its process number and its descriptors. */
  inside(command: readonly [string, ...string[]], folder?: string): readonly [string, ...string[]] {
    return [...this.#enter(folder), ...command]
  }

  /** Starts a program inside. It ends with the room at the latest. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [enter, ...rest] = this.inside([program, ...args], options.cwd?.toString())
    const child = spawn(enter, rest, options)
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
    return child
  }

  /** Runs a program inside to its end. */
  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const child = this.spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: 'pipe',
    })
    const output = { stdout: '', stderr: '' }
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
    // A program that does not read its input closes the pipe.
    child.stdin?.on('error', () => {}).end(options.input ?? '')
    const closed: unknown[] = await once(child, 'close')
    return { code: closed[0] as number | null, signal: closed[1] as NodeJS.Signals | null, ...output }
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const { socket } of this.#places) socket?.destroy()
    if (this.#room.exitCode === null && this.#room.signalCode === null) {
      const ended = once(this.#room, 'exit')
      this.#room.disconnect()
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** What stands before a command; it needs no variable of the environment. */
  #enter(folder = process.cwd()): readonly [string, ...string[]] {
    const user = isRoot ? [] : ['--user', '--preserve-credentials']
    const target = `--target=${this.#room.pid}`
    // The death signal is for a test that is killed. nsenter ends up in the root folder; the shell goes back.
    const death = ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--']
    return [
      '/usr/bin/nsenter',
      target,
      '--mount',
      ...user,
      '--',
      ...death,
      '/bin/sh',
      '-c',
      'cd "$0" && exec "$@"',
      folder,
    ]
  }

  #place(slot: number): Place {
    const place = this.#places[slot]
    if (place === undefined) throw new Error(`there is no slot ${slot}`)
    return place
  }

  #connect(port: number): Promise<Socket> {
    const id = (this.#calls += 1)
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    const listen = (message: unknown, handle: unknown) => {
      const answer = message as { readonly id?: number; readonly error?: string }
      if (answer.id !== id) return
      this.#room.off('message', listen)
      if (handle instanceof Socket) resolve(handle)
      else reject(new Error(answer.error ?? 'the connection did not arrive'))
    }
    this.#room.on('message', listen)
    this.#room.send({ id, port })
    return promise
  }
}

/** Keys, plugged into a room of their own, for the time of `use`. */
export async function withVirtualYubiKeys<T>(
  options: readonly YubiKeyOptions[],
  use: (keys: readonly VirtualYubiKey[], room: ReaderRoom) => Promise<T>,
): Promise<T> {
  const keys = options.map((each, index) => new VirtualYubiKey({ serial: 20_000_001 + index, ...each }))
  const room = await ReaderRoom.open(Math.max(keys.length, 2))
  try {
    for (const key of keys) await room.plug(key)
    return await use(keys, room)
  } finally {
    await room.close()
  }
}

/** Half closed: the driver finds out at its next look, and closes its half. False: it did not, and the connection was cut. */
async function hangUp(socket: Socket): Promise<boolean> {
  const closed = once(socket, 'close').then(() => true)
  socket.end()
  if (await Promise.race([closed, delay(4 * pollMs, false)])) return true
  socket.destroy()
  await closed
  return false
}

/** reader.conf(5). The oldest ykcs11 takes only readers that are called like a YubiKey. */
function readerEntry(port: number): string {
  const channel = `0x${port.toString(16).toUpperCase()}`
  return [
    'FRIENDLYNAME "Yubico YubiKey OTP+FIDO+CCID"',
    `DEVICENAME /dev/null:${channel}`,
    `LIBPATH ${driver}`,
    `CHANNELID ${channel}`,
    '',
  ].join('\n')
}
