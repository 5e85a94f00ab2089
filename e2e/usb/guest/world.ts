import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DoctorFinding, DoctorReport } from '../../../src/shared/doctor.ts'
import type { Failure } from '../../../src/shared/failure.ts'
import type { RequestDetail, RequestStage } from '../../../src/shared/request.ts'
import type { Result } from '../../../src/shared/result.ts'
import type { UsbDevice } from '../../devices/usbip/usb-device.ts'
import { type SandboxServer, startSandboxServer } from '../../sandbox-server/sandbox-server.ts'
import { buildPe } from '../../workbench/pe-files.ts'
import { Bus } from './bus.ts'
import { desk } from './desk.ts'
import { StationProgram, valueOf } from './station.ts'

export const yubikeyPin = '123456'
export const yubihsmPin = '0001password'

const libraries = '/usr/lib/x86_64-linux-gnu'
export const ykcs11 = `${libraries}/libykcs11.so.2`
export const yubihsmPkcs11 = `${libraries}/pkcs11/yubihsm_pkcs11.so`

export type SigningKeyOfTest = { readonly fingerprint: string; readonly certificatePem: string; readonly pin: string }
export type Figure = { readonly name: string; readonly ms: number }

/** Packages of the YubiHSM, unpacked on the machine around the guest. */
export type Given = {
  readonly vendor: readonly string[]
  readonly connector: readonly string[]
}

/** Everything that the steps of the scenario share. */
export class World {
  readonly bus: Bus
  readonly server: SandboxServer
  readonly given: Given
  readonly figures: Figure[] = []
  readonly #out: string
  readonly #children: ChildProcess[] = []
  #station: StationProgram | null = null
  #images = 0

  private constructor(bus: Bus, server: SandboxServer, out: string, given: Given) {
    this.given = given
    this.bus = bus
    this.server = server
    this.#out = out
  }

  static async make(out: string, given: Given): Promise<World> {
    const server = await startSandboxServer({ dialect: '0.16', schedulerMs: 100, settleMs: 5 })
    return new World(await Bus.open(), server, out, given)
  }

  get station(): StationProgram {
    if (this.#station === null) throw new Error('the station does not run')
    return this.#station
  }

  async startStation(): Promise<StationProgram> {
    this.#station = await StationProgram.start(join(this.#out, 'station.log'))
    return this.#station
  }

  /** A program of root's, until the end of the scenario. */
  daemon(name: string, program: string, ...args: readonly string[]): ChildProcess {
    const log = createWriteStream(join(this.#out, `${name}.log`), { flags: 'a' })
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    this.#children.push(child)
    return child
  }

  /** pcscd without polkit, which is for sessions of a desktop that this machine does not have. */
  async startPcscd(): Promise<void> {
    const knows = execFileSync('/usr/sbin/pcscd', ['--help'], { encoding: 'utf8' })
    const polkit = knows.includes('disable-polkit') ? ['--disable-polkit'] : []
    this.daemon('pcscd', '/usr/sbin/pcscd', '--foreground', '--critical', ...polkit)
    await this.eventually('pcscd listens', () => Promise.resolve(existsSync('/run/pcscd/pcscd.comm') || null))
  }

  async eventually<T>(what: string, look: () => Promise<T | null>, limitMs = 30_000): Promise<T> {
    const until = performance.now() + limitMs
    for (;;) {
      const found = await look()
      if (found !== null) return found
      if (performance.now() > until) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
      await delay(100)
    }
  }

  /** Plugs it in and measures how long the window takes to hear of it. */
  async plug(name: string, device: UsbDevice): Promise<void> {
    const from = this.station.heard.length
    const kind = device.productId === 0x0030 ? 'yubihsm' : 'yubikey'
    const at = await this.bus.plug(device)
    const seen = await this.station.event(
      'devices.changed',
      ({ devices }) => devices.some((one) => one.kind === kind),
      from,
    )
    this.figure(`attached: ${name}`, seen.at - at)
  }

  async pull(name: string, device: UsbDevice): Promise<void> {
    const from = this.station.heard.length
    const kind = device.productId === 0x0030 ? 'yubihsm' : 'yubikey'
    const at = this.bus.pull(device)
    const seen = await this.station.event(
      'devices.changed',
      ({ devices }) => devices.every((one) => one.kind !== kind),
      from,
    )
    this.figure(`detached: ${name}`, seen.at - at)
  }

  figure(name: string, ms: number): void {
    this.figures.push({ name, ms: Math.round(ms) })
  }

  /** Waits until a module shows the token. */
  async shown(serial: string, limitMs?: number) {
    return await this.station.until(
      `the token ${serial} is shown`,
      async () => {
        const { tokens } = valueOf(await this.station.api.tokensList({ refresh: false }))
        return tokens.find(({ token }) => token.id.serial === serial) ?? null
      },
      limitMs,
    )
  }

  async notShown(serial: string): Promise<void> {
    await this.station.until(`the token ${serial} is no longer shown`, async () => {
      const { tokens } = valueOf(await this.station.api.tokensList({ refresh: false }))
      return tokens.every(({ token }) => token.id.serial !== serial) || null
    })
  }

  /** A request with small images that no other request has, up for review. */
  async ask(key: SigningKeyOfTest, count = 1): Promise<Asked> {
    const images = Array.from({ length: count }, () => buildPe((this.#images += 1)))
    const work = await this.server.addSignRequest({
      fingerprint: key.fingerprint,
      files: images.map((bytes, index) => ({ name: `pkg/image-${index}.efi`, bytes })),
      binaryPackageName: 'pkg',
      trustedCerts: [],
    })
    return { work, images, key, detail: await this.until(work, 'review') }
  }

  async show(work: number): Promise<RequestDetail | null> {
    for (const view of ['in-hand', 'done'] as const) {
      const list = { view, search: null, cursor: null, limit: 50 }
      const { rows } = valueOf(await this.station.api.requestsList(list))
      const found = rows.find(({ workRequestId }) => workRequestId === work)
      if (found !== undefined) return valueOf(await this.station.api.requestsShow({ requestId: found.id }))
    }
    return null
  }

  async until(work: number, ...stages: readonly RequestStage[]): Promise<RequestDetail> {
    let last = 'unknown'
    const look = async () => {
      const detail = await this.show(work)
      last = JSON.stringify([detail?.summary.stage, detail?.failure])
      return detail !== null && stages.includes(detail.summary.stage) ? detail : null
    }
    return await this.station.until(`request ${work} is ${stages.join(' or ')}`, look).catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${last}`)
    })
  }

  /** Opens the sheet that there is now, and approves it. */
  async approve({ work, key }: Asked): Promise<Result<unknown, Failure>> {
    const detail = await this.until(work, 'review')
    const { sheetDigest, approvability } = detail
    if (sheetDigest === null || approvability?.kind !== 'approvable')
      throw new Error(`it cannot be approved: ${JSON.stringify(approvability)}`)
    const requestId = detail.summary.id
    valueOf(await this.station.api.reviewOpen({ requestId, sheetDigest }))
    const acknowledged = approvability.acknowledge
    return await this.station.api.reviewApprove({
      requestId,
      sheetDigest,
      acknowledged,
      pin: key.pin,
      useLastTry: false,
    })
  }

  async untilCompleted(work: number): Promise<string> {
    return await this.eventually(`the server has an outcome of ${work}`, () => {
      const request = this.server.workRequest(work)
      return Promise.resolve(request?.status === 'completed' ? request.result : null)
    })
  }

  /** Approves, waits for the end, and has sbverify judge what the server holds then. */
  async sign(asked: Asked): Promise<void> {
    valueOf(await this.approve(asked))
    await this.finish(asked)
  }

  async finish({ work, images, key }: Asked): Promise<void> {
    const outcome = await this.untilCompleted(work)
    if (outcome !== 'success')
      throw new Error(`the server was told ${outcome}: ${JSON.stringify((await this.show(work))?.files)}`)
    const outputs = await this.server.outputs(work)
    const signatures = outputs.find(({ category }) => category === 'debusine:signing-output')?.files ?? []
    const folder = mkdtempSync(join(tmpdir(), 'judge-'))
    const [certificate, image, signature] = ['signer.pem', 'image.efi', 'image.sig'].map((name) => join(folder, name))
    if (certificate === undefined || image === undefined || signature === undefined) throw new Error('no folder')
    writeFileSync(certificate, key.certificatePem)
    if (signatures.length !== images.length) throw new Error(`${signatures.length} of ${images.length} signatures`)
    for (const [index, bytes] of images.entries()) {
      writeFileSync(image, bytes)
      writeFileSync(signature, signatures[index]?.bytes ?? new Uint8Array())
      execFileSync('/usr/bin/sbverify', ['--cert', certificate, '--detached', signature, image])
    }
  }

  /** What the doctor of the window says, by check. */
  async doctor(): Promise<DoctorReport> {
    return valueOf(await this.station.api.doctorRun())
  }

  async close(): Promise<void> {
    await this.#station?.close()
    for (const child of this.#children) child.kill('SIGKILL')
    await this.server.stop()
    await this.bus.close()
  }
}

export type Asked = {
  readonly work: number
  readonly images: readonly Uint8Array[]
  readonly key: SigningKeyOfTest
  readonly detail: RequestDetail
}

/** `--doctor` of the command line, for the same checks before there is a station. */
export async function doctorOnTerminal(...modules: readonly string[]): Promise<DoctorReport> {
  const { said } = await desk.doctor(...modules)
  const start = said.indexOf('{')
  return JSON.parse(said.slice(start, said.lastIndexOf('}') + 1)) as DoctorReport // the program's own
}

export function findingOf(report: DoctorReport, check: DoctorFinding['check'], about?: string): DoctorFinding {
  const found = report.findings.find(
    (one) => one.check === check && (about === undefined || one.subject?.includes(about)),
  )
  if (found === undefined) throw new Error(`the doctor says nothing of ${check}: ${JSON.stringify(report.findings)}`)
  return found
}
