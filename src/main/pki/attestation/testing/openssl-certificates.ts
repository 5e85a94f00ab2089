import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate that OpenSSL's command made, and where its key is. */
export interface MadeCertificate {
  readonly der: Uint8Array
  readonly spki: Uint8Array
  readonly keyFile: string
  readonly certificateFile: string
}

export interface WantedCertificate {
  readonly commonName: string
  /** Null: self-signed. */
  readonly issuer: MadeCertificate | null
  /** Lines of an OpenSSL extension section (x509v3_config). */
  readonly extensions: readonly string[]
  readonly algorithm?: 'ec' | 'rsa'
  /** The key of another certificate instead of a new one. */
  readonly key?: MadeCertificate
  readonly digest?: 'sha256' | 'sha1'
  readonly serial?: string
  readonly days?: number
}

/** The `openssl` command as the judge of what a certificate is: none of the station's own encoders has a part in it. */
export class OpensslCertificates {
  readonly #folder: string
  #count = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  make(wanted: WantedCertificate): MadeCertificate {
    this.#count += 1
    const file = (kind: string) => join(this.#folder, `${this.#count}.${kind}`)
    const keyFile = wanted.key?.keyFile ?? this.#newKey(file('key'), wanted.algorithm ?? 'ec')
    const [request, extensions, certificateFile] = [file('csr'), file('ext'), file('pem')]
    writeFileSync(extensions, `[statement]\n${wanted.extensions.join('\n')}\n`)
    openssl('req', '-new', '-key', keyFile, '-subj', `/CN=${wanted.commonName}`, '-out', request)
    const signer =
      wanted.issuer === null
        ? ['-signkey', keyFile]
        : ['-CA', wanted.issuer.certificateFile, '-CAkey', wanted.issuer.keyFile]
    const serial = wanted.serial ?? `0x7${this.#count.toString(16).padStart(31, '0')}`
    const life = ['-days', String(wanted.days ?? 3650), '-set_serial', serial]
    const content = ['-extfile', extensions, '-extensions', 'statement']
    const digest = `-${wanted.digest ?? 'sha256'}`
    openssl('x509', '-req', '-in', request, ...signer, digest, ...life, ...content, '-out', certificateFile)
    const der = new X509Certificate(readFileSync(certificateFile)).raw
    const spki = createPublicKey(createPrivateKey(readFileSync(keyFile))).export({ type: 'spki', format: 'der' })
    return { der, spki, keyFile, certificateFile }
  }

  #newKey(keyFile: string, algorithm: 'ec' | 'rsa'): string {
    const parameters =
      algorithm === 'ec' ? ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
    openssl('genpkey', '-algorithm', ...parameters, '-out', keyFile)
    return keyFile
  }
}

function openssl(...parameters: readonly string[]): void {
  execFileSync('openssl', parameters, { stdio: 'pipe' })
}

export const ca = (pathLength: number | null) =>
  `basicConstraints=critical,CA:TRUE${pathLength === null ? '' : `,pathlen:${pathLength}`}`

/** Extensions of a YubiKey's slot certificate, as a change of a good one. `null` leaves one out. */
export function slotExtensions(
  change: Partial<Record<'firmware' | 'serial' | 'policies' | 'form', string | null>> = {},
) {
  const arc = '1.3.6.1.4.1.41482.3'
  const values = { firmware: '050403', serial: '020400f00f14', policies: '0201', form: '04', ...change }
  const numbers = { firmware: 3, serial: 7, policies: 8, form: 9 } as const
  return lines(arc, numbers, values)
}

/** Extensions of a YubiHSM's certificate of a key: object 7e57 on 31650425, generated, domain 1, sign-ecdsa, label “boot”. */
export function objectExtensions(
  change: Partial<
    Record<'firmware' | 'serial' | 'origin' | 'domains' | 'capabilities' | 'objectId' | 'label' | 'fips', string | null>
  > = {},
) {
  const values = {
    firmware: '0403020400',
    serial: '020401e2f279',
    origin: '03020001',
    domains: '0303000001',
    capabilities: '0309000000000000000080',
    objectId: '02027e57',
    label: '0c04626f6f74',
    fips: null,
    ...change,
  }
  const numbers = {
    firmware: 1,
    serial: 2,
    origin: 3,
    domains: 4,
    capabilities: 5,
    objectId: 6,
    label: 9,
    fips: 12,
  } as const
  return lines('1.3.6.1.4.1.41482.4', numbers, values)
}

function lines(
  arc: string,
  numbers: Readonly<Record<string, number>>,
  values: Readonly<Record<string, string | null>>,
) {
  return Object.entries(values).flatMap(([name, value]) =>
    value === null
      ? []
      : [`${arc}.${numbers[name]}=DER:${value.replaceAll(/../g, (octet) => `${octet}:`).slice(0, -1)}`],
  )
}
