import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DoctorCheck, DoctorVerdict } from '../../../shared/doctor.ts'
import type { Settings } from '../../../shared/settings.ts'
import { discoverModules } from '../../modules/discover.ts'
import { examine } from '../examine.ts'
import type { ShownTokens } from '../module-checks.ts'

export type Wanted = {
  readonly chosen?: Settings['modules'] | null
  readonly environment?: Readonly<Record<string, string>>
  readonly user?: string
  /** Nobody listens there if left out. */
  readonly usualConnector?: string
  readonly tokens?: () => Promise<ShownTokens>
  readonly limits?: { readonly check: number; readonly modules: number }
}

export type Told = { readonly check: DoctorCheck; readonly subject: string | null } & DoctorVerdict

const none: ShownTokens = { tokens: [], modules: [] }

/** A folder that is a whole machine to the doctor, with services that listen where it looks. */
export class PreparedMachine {
  readonly root = mkdtempSync(join(tmpdir(), 'doc-'))
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #children: ChildProcess[] = []

  constructor() {
    // The doctor may run as another user than the one who prepares.
    chmodSync(this.root, 0o755)
  }

  put(path: string, content: string | Uint8Array = '', mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), content)
    chmodSync(join(this.root, path), mode)
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    symlinkSync(target, join(this.root, path))
  }

  emptyBus(): void {
    mkdirSync(join(this.root, 'sys/bus/usb/devices'), { recursive: true })
    mkdirSync(join(this.root, 'proc'), { recursive: true })
    this.put('/run/udev/control')
  }

  plug(device: {
    readonly port: string
    readonly address: number
    readonly ids: readonly [vendor: string, product: string]
    readonly product?: string
    readonly serial?: string
    readonly interfaces: readonly string[]
    /** Of its device node; null: there is no node. */
    readonly mode?: number | null
  }): void {
    this.emptyBus()
    const own = `/sys/bus/usb/devices/${device.port}`
    this.put(`${own}/idVendor`, device.ids[0])
    this.put(`${own}/idProduct`, device.ids[1])
    this.put(`${own}/busnum`, '1')
    this.put(`${own}/devnum`, String(device.address))
    this.put(`${own}/product`, device.product ?? '')
    if (device.serial !== undefined) this.put(`${own}/serial`, device.serial)
    device.interfaces.forEach((classes, index) => {
      const at = `/sys/bus/usb/devices/${device.port}:1.${index}`
      this.put(`${at}/bInterfaceClass`, classes.slice(0, 2))
      this.put(`${at}/bInterfaceSubClass`, classes.slice(2, 4))
      this.put(`${at}/bInterfaceProtocol`, classes.slice(4, 6))
    })
    if (device.mode !== null)
      this.put(`/dev/bus/usb/001/${String(device.address).padStart(3, '0')}`, '', device.mode ?? 0o666)
  }

  yubikey(interfaces = ['030101', '030000', '0b0000']): void {
    this.plug({ port: '1-1', address: 4, ids: ['1050', '0407'], product: 'YubiKey OTP+FIDO+CCID', interfaces })
  }

  yubihsm(mode: number | null = 0o666): void {
    const ids = ['1050', '0030'] as const
    this.plug({ port: '1-2', address: 9, ids, product: 'YubiHSM', serial: '0007550140', interfaces: ['ff0000'], mode })
  }

  /** A service at pcscd's socket that does what a test wants with each connection. */
  async pcscd(behave: (socket: Socket) => void): Promise<void> {
    this.put('/usr/sbin/pcscd', '', 0o755)
    mkdirSync(join(this.root, 'run/pcscd'), { recursive: true })
    const path = join(this.root, 'run/pcscd/pcscd.comm')
    await this.#listen(behave, path)
    chmodSync(path, 0o666)
  }

  /** Only its owner may connect from now on. */
  closePcscd(): void {
    chmodSync(join(this.root, 'run/pcscd/pcscd.comm'), 0o600)
  }

  /** pcscd that answers as the real one does (pcscd.contract.test.ts compares), with readers of these names. */
  async pcscdWith(
    readers: readonly { readonly name: string; readonly sharing?: number; readonly isEmpty?: boolean }[],
  ): Promise<void> {
    const states = Buffer.alloc(16 * 180)
    readers.forEach(({ name, sharing = 0, isEmpty = false }, index) => {
      states.write(name, index * 180, 128, 'utf8')
      states.set(Buffer.from(Uint32Array.of(isEmpty ? 0x2 : 0x34).buffer), index * 180 + 132)
      states.writeInt32LE(sharing, index * 180 + 136)
    })
    const version = Buffer.from(Uint32Array.from([4, 4, 0]).buffer)
    await this.pcscd((socket) => void socket.once('data', () => socket.write(Buffer.concat([version, states]))))
  }

  /** A socket's file that nobody listens at: its program was killed. */
  async deadPcscd(): Promise<void> {
    this.put('/usr/sbin/pcscd', '', 0o755)
    mkdirSync(join(this.root, 'run/pcscd'), { recursive: true })
    const path = join(this.root, 'run/pcscd/pcscd.comm')
    const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`
    const child = spawn(process.execPath, ['--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.push(child)
    await once(child.stdout, 'data')
    const gone = once(child, 'close')
    child.kill('SIGKILL')
    await gone
  }

  /** A service at a port of this machine, and the module's configuration that names it. Gives the environment. */
  async connector(behave: (socket: Socket) => void, scheme = 'http'): Promise<Record<string, string>> {
    const port = await this.#listen(behave, null)
    return this.connectorAt(`${scheme}://127.0.0.1:${port}`)
  }

  connectorAt(...urls: readonly string[]): Record<string, string> {
    this.put('/etc/yubihsm.conf', `# of the station\n${urls.map((url) => `connector = ${url}\n`).join('')}`)
    return { YUBIHSM_PKCS11_CONF: '/etc/yubihsm.conf' }
  }

  async examine(wanted: Wanted = {}): Promise<readonly Told[]> {
    const { chosen = null } = wanted
    const report = await examine({
      machine: {
        root: this.root,
        uid: process.getuid?.() ?? -1,
        user: wanted.user ?? 'operator',
        environment: wanted.environment ?? {},
        usualConnector: wanted.usualConnector ?? 'http://127.0.0.1:1',
        architecture: 'x64',
      },
      modules: () => discoverModules({ chosen: chosen ?? [], architecture: 'x64', root: this.root }),
      chosen,
      tokens: wanted.tokens ?? (async () => none),
      now: () => new Date('2026-11-20T10:48:00.000Z'),
      ...(wanted.limits === undefined ? {} : { limits: wanted.limits }),
    })
    return report.findings.map(({ check, subject, verdict }) => ({ check, subject, ...verdict }))
  }

  /** What was found out about one thing. */
  async ask(check: DoctorCheck, wanted: Wanted = {}): Promise<Told | undefined> {
    return (await this.examine(wanted)).find((told) => told.check === check)
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
    rmSync(this.root, { recursive: true, force: true })
  }

  async #listen(behave: (socket: Socket) => void, path: string | null): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
      behave(socket)
    })
    this.#servers.push(server)
    if (path === null) server.listen(0, '127.0.0.1')
    else server.listen(path)
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
}

/** yubihsm-connector's own words (its version 3.0.5). */
export function connectorStatus(status: string): (socket: Socket) => void {
  const body = `status=${status}\nserial=*\nversion=3.0.5\npid=812\naddress=127.0.0.1\nport=12345\n`
  return (socket) =>
    void socket.once('data', () =>
      socket.end(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    )
}
