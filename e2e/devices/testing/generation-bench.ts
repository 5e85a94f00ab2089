import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditStation, auditStation } from '../../../src/main/audit/testing/audit-station.ts'
import { generateOnToken } from '../../../src/main/keys/generate-key.ts'
import type { StoredGeneration } from '../../../src/main/keys/generation.repository.ts'
import type { GenerationPorts, GenerationSecrets } from '../../../src/main/keys/generation-ports.ts'
import { createKeyRegistry } from '../../../src/main/keys/key-registry.ts'
import type { Failure } from '../../../src/shared/failure.ts'
import type { GenerationPlan } from '../../../src/shared/key-generation.ts'
import { defaultPolicies } from '../../../src/shared/key-place.ts'
import type { Result } from '../../../src/shared/result.ts'
import { Secret } from '../../../src/shared/secret.ts'
import type { TokenId } from '../../../src/shared/token.ts'

/** A station's database and log, for keys that are made on a virtual device through its vendor's module. */
export class GenerationBench {
  readonly station: AuditStation
  readonly folder: string
  readonly #tokens: GenerationPorts['tokens']

  private constructor(station: AuditStation, folder: string, tokens: GenerationPorts['tokens']) {
    this.station = station
    this.folder = folder
    this.#tokens = tokens
  }

  static async make(tokens: GenerationPorts['tokens']): Promise<GenerationBench> {
    const folder = mkdtempSync(join(tmpdir(), 'generation-'))
    return new GenerationBench(await auditStation(join(folder, 'station.db')), folder, tokens)
  }

  get ports(): GenerationPorts {
    return {
      db: this.station.db,
      audit: this.station.log,
      tokens: this.#tokens,
      shippedRoots: [],
      now: () => new Date(),
      serialNumber: () => Buffer.concat([Buffer.from([0x41]), randomBytes(19)]),
    }
  }

  generate(plan: GenerationPlan, secrets: GenerationSecrets): Promise<Result<StoredGeneration, Failure>> {
    return generateOnToken(this.ports, { plan, forRequest: null }, secrets, 'Custodian')
  }

  async events(): Promise<readonly string[]> {
    const rows = await this.station.db.selectFrom('audit_entry').select('event').orderBy('seq').execute()
    return rows.map(({ event }) => event)
  }

  keys() {
    const { db, log: audit } = this.station
    const opensSealed = () => {
      throw new Error('no software key here')
    }
    return createKeyRegistry({
      db,
      audit,
      tokens: this.#tokens,
      opensSealed,
      now: () => new Date(),
    })
  }

  /** What openssl says of a certificate that signs itself. */
  async opensslVerdict(): Promise<string> {
    const row = await this.station.db.selectFrom('signing_key').select('public_key').executeTakeFirstOrThrow()
    const file = join(this.folder, 'certificate.pem')
    writeFileSync(file, row.public_key)
    return execFileSync('openssl', ['verify', '-check_ss_sig', '-CAfile', file, file], { encoding: 'utf8' })
  }

  /** The certificate that a CA of this moment makes from a request. */
  certifiedByCa(request: string): string {
    const file = (name: string) => join(this.folder, name)
    writeFileSync(file('request.pem'), request)
    const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-noenc',
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.pem'),
      '-subj',
      '/CN=CA',
    )
    const ca = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-in',
      file('request.pem'),
      ...ca,
      '-days',
      '30',
      '-copy_extensions',
      'copy',
      '-out',
      file('out.pem'),
    )
    return readFileSync(file('out.pem'), 'utf8')
  }

  async dispose(): Promise<void> {
    await this.station.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function planFor(token: TokenId, ckaId: string, change: Partial<GenerationPlan> = {}): GenerationPlan {
  return {
    purpose: 'uefi',
    description: 'Secure Boot signing 2027',
    production: true,
    token,
    ckaId,
    label: 'sb-2027',
    algorithm: 'ec-p256',
    policies: defaultPolicies,
    certificate: {
      kind: 'self-signed',
      subject: { commonName: 'Secure Boot signing 2027', organization: null, unit: null, country: null },
      days: 3650,
    },
    ...change,
  }
}

export function typed(pin: string, officerPin: string | null = null): GenerationSecrets {
  return {
    pin: Secret.fromText(pin),
    officerPin: officerPin === null ? null : Secret.fromText(officerPin),
    useLastTry: false,
    onSignal: () => {},
  }
}

export function valueOf<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}
