import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificatesText } from '../../src/main/keys/attestation/certificate-text.ts'
import { addRoots } from '../../src/main/keys/attestation/operator-roots.ts'
import type { AttestedDevice } from '../../src/shared/attestation.ts'
import type { CeremonyDetail, CeremonyId, ScriptSource, StepInput } from '../../src/shared/ceremony.ts'
import type { CeremonyStep } from '../../src/shared/ceremony-script.ts'
import type { Failure } from '../../src/shared/failure.ts'
import { sha256Hex } from '../../src/shared/ids.ts'
import type { Result } from '../../src/shared/result.ts'
import { Secret } from '../../src/shared/secret.ts'
import type { TokenId } from '../../src/shared/token.ts'
import { makeAttestationAuthority } from '../devices/yubihsm/attestation/authority.ts'
import type { VendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from '../devices/yubihsm/testing/yubihsm-bench.ts'
import { DeskBench, orThrow } from './desk-bench.ts'

export const people = [
  { role: 'Ceremony administrator', name: 'A. Administrator', organisation: 'Example' },
  { role: 'Key custodian', name: 'K. Custodian', organisation: 'Example' },
  { role: 'Witness', name: 'W. Witness', organisation: null },
]

/** A custodian at the engine: carries the steps of a script out, one after another, as the window would. */
export class Custodian {
  readonly bench: DeskBench
  readonly #pins: { readonly pin: string; readonly officerPin: string | null }
  readonly devices: Readonly<Record<string, { readonly token: TokenId; readonly caseSerial: string }>>

  constructor(
    bench: DeskBench,
    devices: Custodian['devices'],
    pins: { readonly pin: string; readonly officerPin: string | null },
  ) {
    this.bench = bench
    this.devices = devices
    this.#pins = pins
  }

  get ceremonies() {
    return this.bench.station.ceremonies
  }

  async begin(source: ScriptSource, parameters: Readonly<Record<string, string>>): Promise<CeremonyId> {
    const plan = orThrow(await this.ceremonies.plan(source, parameters))
    return orThrow(await this.ceremonies.begin(source, parameters, plan.planSha256, 'Custodian'))
  }

  async detail(id: CeremonyId): Promise<CeremonyDetail> {
    const detail = await this.ceremonies.show(id)
    if (detail === null) throw new Error('there is no such ceremony')
    return detail
  }

  /** The step that is due. */
  async due(id: CeremonyId): Promise<CeremonyStep | null> {
    const { now, plan } = await this.detail(id)
    return now === null ? null : (plan.script.steps[now] ?? null)
  }

  async start(id: CeremonyId, step: string): Promise<void> {
    orThrow(await this.ceremonies.startStep(id, step, 'Custodian'))
  }

  finish(
    id: CeremonyId,
    step: CeremonyStep,
    change: Partial<StepInput> = {},
    pin = this.#pins.pin,
  ): Promise<Result<null, Failure>> {
    const input = { ...this.inputFor(step), ...change } as StepInput // a member more or another value, of the same kind
    const { officerPin } = this.#pins
    return this.ceremonies.finishStep(
      id,
      { step: step.id, input },
      {
        pin: Secret.fromText(pin),
        officerPin: officerPin === null || step.kind !== 'generate-key' ? null : Secret.fromText(officerPin),
        useLastTry: false,
      },
      'Custodian',
    )
  }

  inputFor(step: CeremonyStep): StepInput {
    switch (step.kind) {
      case 'note':
        return { kind: 'note', by: 'A. Administrator' }
      case 'roles':
        return { kind: 'roles', people }
      case 'inspect-device': {
        const device = this.devices[step.device]
        if (device === undefined) throw new Error(`there is no device ${step.device}`)
        return {
          kind: 'inspect-device',
          token: device.token,
          serial: device.caseSerial,
          seal: 'BAG-0001',
          remark: null,
        }
      }
      case 'import-key':
        return { kind: 'import-key', certificatePem: '' }
      case 'attest':
        return { kind: 'attest', certificatesPem: '' }
      case 'certificate':
        return { kind: 'certificate', certificatePem: null }
      case 'restore-test':
        return { kind: 'restore-test', wrapped: null }
      case 'retire-key':
        return { kind: 'retire-key', reason: 'The key is replaced.' }
      case 'confirm-words':
        return { kind: 'confirm-words', readBy: 'A. Administrator', heardBy: 'W. Witness' }
      case 'answers':
        return { kind: 'answers', answers: step.questions.map(({ id }) => ({ id, answer: `Answer to ${id}.` })) }
      default:
        return { kind: step.kind }
    }
  }

  /** Steps until `stop` is due (it is not begun), or to the end. */
  async through(id: CeremonyId, stop: string | null = null): Promise<void> {
    for (let step = await this.due(id); step !== null && step.id !== stop; step = await this.due(id)) {
      await this.start(id, step.id)
      orThrow(await this.finish(id, step))
    }
  }

  async seal(id: CeremonyId): Promise<void> {
    orThrow(await this.ceremonies.end(id, 'completed', 'Custodian'))
  }

  /** Saves the evidence and unpacks it. */
  async evidence(id: CeremonyId): Promise<{
    readonly folder: string
    readonly zip: string
    readonly saved: string
    readonly backups: readonly string[]
  }> {
    const saved = orThrow(await this.ceremonies.saveEvidence(id))
    const zip = join(saved.folder, saved.bundle)
    const folder = join(saved.folder, 'unpacked')
    mkdirSync(folder)
    execFileSync('unzip', ['-q', zip, '-d', folder])
    return { folder, zip, saved: saved.folder, backups: saved.backups }
  }

  async trust(device: AttestedDevice, certificates: readonly Uint8Array[]): Promise<void> {
    const { database, audit, shippedRoots } = this.bench.station
    const digest = (der: Uint8Array) => sha256Hex.parse(createHash('sha256').update(der).digest('hex'))
    for (const der of certificates)
      orThrow(
        await addRoots(
          { db: database.db, audit, shippedRoots, now: () => new Date() },
          { sources: [certificatesText([der])], device, confirmed: [digest(der)] },
          'Custodian',
        ),
      )
  }
}

/** A station with two virtual YubiHSMs, that have a wrap key in common. */
export class HsmCeremony extends Custodian {
  readonly hsm: YubiHsmBench
  readonly spare: YubiHsmBench

  private constructor(bench: DeskBench, hsm: YubiHsmBench, spare: YubiHsmBench) {
    const device = (serial: string) => ({
      token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial },
      caseSerial: serial.replace(/^0+/, ''),
    })
    super(
      bench,
      { hsm: device('07550140'), spare: device('07550141'), device: device('07550140') },
      { pin: defaultPin, officerPin: null },
    )
    this.hsm = hsm
    this.spare = spare
  }

  static async make(vendor: VendorSoftware, folderFor?: (hsm: YubiHsmBench) => void): Promise<HsmCeremony> {
    const authority = makeAttestationAuthority()
    const options = { authority, firmware: [2, 4, 0] as const }
    const hsm = await YubiHsmBench.start(vendor, { ...options, serial: 7_550_140 })
    const spare = await YubiHsmBench.start(vendor, { ...options, serial: 7_550_141 })
    folderFor?.(hsm)
    for (const one of [hsm, spare]) await putWrapKey(one)
    const environment = { ...hsm.moduleEnvironment(), YUBIHSM_PKCS11_CONF: twoConnectors(hsm, spare) }
    const bench = await DeskBench.make({ tokens: null, environment })
    const made = new HsmCeremony(bench, hsm, spare)
    const { station } = bench
    orThrow(await station.saveSettings({ ...station.settings(), modules: [{ path: vendor.module, enabled: true }] }))
    await made.trust('yubihsm', [authority.root, authority.intermediate])
    return made
  }

  async dispose(): Promise<void> {
    await this.bench.dispose()
    await this.hsm.dispose()
    await this.spare.dispose()
  }
}

/** The same 32 bytes in both devices, as custodians put them there with the maker's tool. */
export async function putWrapKey(bench: YubiHsmBench): Promise<void> {
  const what = ['-i', '0x0200', '-l', 'custodians', '-c', 'export-wrapped:import-wrapped', '--delegated', 'all']
  await bench.shell('-a', 'put-wrap-key', ...what, '--informat', 'hex', '--in', '5a'.repeat(32))
}

/** yubihsm_pkcs11.conf takes more than one connector. */
export function twoConnectors(first: YubiHsmBench, second: YubiHsmBench): string {
  const file = first.file('two-connectors.conf')
  writeFileSync(file, `connector=${first.connector.url}\nconnector=${second.connector.url}\ntimeout=5\n`)
  return file
}

/** What the README tells a reader to do, done. */
export function checkedByReader(folder: string, command: string): string {
  return execFileSync('/bin/sh', ['-c', command], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

export function certificateIn(pem: string): X509Certificate {
  return new X509Certificate(pem)
}
