import type { CeremonyId } from '../../../shared/ceremony.ts'
import { err } from '../../../shared/result.ts'
import type { AuditStation } from '../../audit/testing/audit-station.ts'
import { createKeyRegistry } from '../../keys/key-registry.ts'
import { silentLog } from '../../log/logger.ts'
import { createHsmService } from '../../token/hsm-service.ts'
import type { TokenKeyMaker, TokenService } from '../../token/token-service.ts'
import { opensslAt } from '../../tools/openssl.ts'
import { type CeremonyEngine, createCeremonyEngine } from '../engine.ts'
import { planOf } from '../script.ts'

export const operator = 'Custodian'

/** The engine over a station's database and tokens; there is no YubiHSM, and no key of the log. `folder`: for OpenSSL. */
export function benchEngine(
  { db, log: audit }: Pick<AuditStation, 'db' | 'log'>,
  tokens: TokenService & TokenKeyMaker,
  folder: string,
): CeremonyEngine {
  const now = () => new Date()
  const absent = { kind: 'unavailable', code: 'absent', message: 'There is none.' } as const
  const program = { version: '0', sha256: '0'.repeat(64), files: 0, runtime: 'Node', runtimeSha256: '0'.repeat(64) }
  return createCeremonyEngine({
    db,
    audit,
    tokens,
    hsm: createHsmService({ node: process.execPath, hostEntry: '/nowhere', environment: {}, log: silentLog }),
    keys: createKeyRegistry({ db, audit, tokens, opensSealed: async () => err(absent), now }),
    shippedRoots: [],
    checkpoints: { write: async () => err(absent), key: () => null },
    openssl: opensslAt('/usr/bin/openssl', folder),
    program: async () => program,
    stationName: () => 'desk.example.org',
    now,
    keysChanged: async () => {},
    onSignal: () => {},
  })
}

export function scriptOf(steps: readonly unknown[]): Uint8Array {
  const format = 'signing-station-ceremony/1'
  return Buffer.from(JSON.stringify({ format, title: 'A ceremony', purpose: 'To be attacked.', steps }))
}

export async function beginScript(engine: CeremonyEngine, script: Uint8Array): Promise<CeremonyId> {
  const plan = valueOf(planOf(script, {}))
  return valueOf(await engine.begin(script, plan, plan.planSha256, operator))
}

export function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}
