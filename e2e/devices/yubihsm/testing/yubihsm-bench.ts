import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pkcs11js from 'pkcs11js'
import { type Connector, startConnector } from '../connector.ts'
import { VirtualYubiHsm, type YubiHsmOptions } from '../virtual-yubihsm.ts'
import { Pkcs11Process } from './pkcs11-process.ts'
import type { VendorSoftware } from './vendor-software.ts'

export const defaultPin = '0001password'
const fullSession = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION

/** A virtual device behind a connector, the maker's software pointed at it, and a folder of its own. */
export class YubiHsmBench {
  readonly device: VirtualYubiHsm
  readonly connector: Connector
  readonly folder: string
  readonly #vendor: VendorSoftware
  readonly #modules: Pkcs11Process[] = []

  private constructor(vendor: VendorSoftware, device: VirtualYubiHsm, connector: Connector) {
    this.#vendor = vendor
    this.device = device
    this.connector = connector
    this.folder = mkdtempSync(join(tmpdir(), 'yubihsm-'))
  }

  static async start(vendor: VendorSoftware, options: YubiHsmOptions = {}): Promise<YubiHsmBench> {
    const device = new VirtualYubiHsm(options)
    return new YubiHsmBench(vendor, device, await startConnector(device))
  }

  /** Environment in which the module finds this bench's connector. */
  moduleEnvironment(): Readonly<Record<string, string>> {
    const file = join(this.folder, 'yubihsm_pkcs11.conf')
    writeFileSync(file, `connector=${this.connector.url}\ntimeout=5\n`)
    return { ...this.#vendor.environment, YUBIHSM_PKCS11_CONF: file }
  }

  async module(): Promise<Pkcs11Process> {
    const started = await Pkcs11Process.start(this.#vendor.module, this.moduleEnvironment())
    this.#modules.push(started)
    return started
  }

  /** A session of the module on the one token that is there; logged in unless the PIN is null. */
  async session(pin: string | null = defaultPin): Promise<Pkcs11Session> {
    const module = await this.module()
    const [slot] = await module.call('C_GetSlotList', true)
    if (slot === undefined) throw new Error('the module sees no token')
    const session = await module.call('C_OpenSession', slot, fullSession)
    if (pin !== null) await module.call('C_Login', session, pkcs11js.CKU_USER, pin)
    return { module, slot, session }
  }

  /** `yubihsm-shell`, as the default authentication key. */
  async shell(...args: readonly string[]): Promise<string> {
    return await this.#vendor.run('yubihsm-shell', '-C', this.connector.url, '-p', 'password', ...args)
  }

  file(name: string): string {
    return join(this.folder, name)
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#modules.map((module) => module.kill()))
    await this.connector.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export interface Pkcs11Session {
  readonly module: Pkcs11Process
  readonly slot: Buffer
  readonly session: Buffer
}

export async function findObjects({ module, session }: Pkcs11Session, template: pkcs11js.Template): Promise<Buffer[]> {
  await module.call('C_FindObjectsInit', session, template)
  const found = await module.call('C_FindObjects', session, 256)
  await module.call('C_FindObjectsFinal', session)
  return found
}

/** The private key with that CKA_ID, which is the object's id in two bytes. */
export async function privateKey(open: Pkcs11Session, id: number): Promise<Buffer> {
  const [key] = await findObjects(open, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_ID, value: Buffer.from([id >> 8, id & 0xff]) },
  ])
  if (key === undefined) throw new Error(`there is no private key ${id}`)
  return key
}

export async function sign(
  { module, session }: Pkcs11Session,
  key: Buffer,
  mechanism: pkcs11js.Mechanism,
  data: Uint8Array,
): Promise<Buffer> {
  await module.call('C_SignInit', session, mechanism, key)
  return await module.call('C_Sign', session, Buffer.from(data), Buffer.alloc(1024))
}
