import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { readerOf } from '../../db/database.ts'
import { reviewDevice } from '../../src/main/audit/device-log/review-device.ts'
import { auditSigning } from '../devices/yubihsm/testing/device-log-bench.ts'
import type { VendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from '../devices/yubihsm/testing/yubihsm-bench.ts'
import { DeskBench, type DeskBenchOptions, orThrow } from './desk-bench.ts'

const keyId = 0x64
export const deskSerial = '07550140'

/** A station at a desk, whose key is in a virtual YubiHSM: the maker's module signs, the maker's shell is used behind its back. */
export class YubiHsmDesk {
  readonly hsm: YubiHsmBench
  readonly bench: DeskBench

  private constructor(hsm: YubiHsmBench, bench: DeskBench) {
    this.hsm = hsm
    this.bench = bench
  }

  /** `audit`: value of command-audit, null for none. `pin`: of an authentication key that `prepare` makes. */
  static async make(
    vendor: VendorSoftware,
    {
      audit = auditSigning,
      force = false,
      pin = defaultPin,
      prepare = async () => {},
      ...options
    }: {
      readonly audit?: string | null
      readonly force?: boolean
      readonly pin?: string
      readonly prepare?: (hsm: YubiHsmBench) => Promise<void>
    } & Pick<DeskBenchOptions, 'standing' | 'now'> = {},
  ): Promise<YubiHsmDesk> {
    const hsm = await YubiHsmBench.start(vendor, { serial: 7_550_140 })
    const [key, certificate] = [hsm.file('key.pem'), hsm.file('certificate.pem')]
    const subject = [
      '-subj',
      '/CN=Desk signer on a YubiHSM',
      '-days',
      '3650',
      '-addext',
      'extendedKeyUsage=codeSigning',
    ]
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, ...subject],
      { stdio: 'ignore' },
    )
    await hsm.shell('-a', 'put-asymmetric-key', '-i', String(keyId), '-l', 'release', '-c', 'sign-pkcs', '--in', key)
    if (audit !== null) await hsm.shell('-a', 'put-option', '--opt-name', 'command-audit', '--opt-value', audit)
    if (force) await hsm.shell('-a', 'put-option', '--opt-name', 'force-audit', '--opt-value', '01')
    await prepare(hsm)
    const certificatePem = readFileSync(certificate, 'utf8')
    const x509 = new X509Certificate(certificatePem)
    const spki = x509.publicKey.export({ type: 'spki', format: 'der' })
    const id = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: deskSerial }
    const bench = await DeskBench.make({
      tokens: {
        soft: {
          module: vendor.module,
          configuration: '',
          tokenFolder: hsm.folder,
          tokens: [
            {
              label: 'YubiHSM',
              pin,
              id,
              keys: [
                {
                  ckaId: '0064',
                  algorithm: 'rsa-2048',
                  spkiBase64: spki.toString('base64'),
                  spkiSha256: createHash('sha256').update(spki).digest('hex'),
                  certificatePath: certificate,
                  certificatePem,
                  fingerprint: x509.fingerprint256.replaceAll(':', ''),
                },
              ],
            },
          ],
        },
        folder: hsm.folder,
        dispose: async () => {},
      },
      pin,
      environment: hsm.moduleEnvironment(),
      ...options,
    })
    return new YubiHsmDesk(hsm, bench)
  }

  /** One request, from the server until it has the result. */
  async sign(files = 1): Promise<number> {
    const work = await this.bench.ask(files)
    await this.bench.approve(work)
    const result = await this.bench.untilCompleted(work)
    if (result !== 'success') throw new Error(`work request ${work}: ${result}`)
    await this.bench.until(work, 'done')
    return work
  }

  /** Somebody else at the same device. */
  async signBehindItsBack(): Promise<void> {
    const [file, signature] = [this.hsm.file('other'), this.hsm.file('other.sig')]
    writeFileSync(file, 'something else')
    const what = ['-i', String(keyId), '-A', 'rsa-pkcs1-sha256', '--in', file, '--out', signature]
    await this.hsm.shell('-a', 'sign-pkcs1v15', ...what)
  }

  async review() {
    return orThrow(await reviewDevice(readerOf(this.bench.station.database.db), deskSerial))
  }

  async incidentCodes(): Promise<readonly string[]> {
    return (await this.bench.station.deviceLog.openIncidents()).map(({ code }) => code)
  }

  async state() {
    return (await this.bench.station.runLogs.states()).find(({ serial }) => serial === deskSerial)
  }

  async dispose(): Promise<void> {
    await this.bench.dispose()
    await this.hsm.dispose()
  }
}
