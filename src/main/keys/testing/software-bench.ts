import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLogKey, newLogOrigin } from '../../audit/log-key.ts'
import { type AuditStation, auditStation } from '../../audit/testing/audit-station.ts'
import { stderrLog } from '../../log/logger.ts'
import { createTokenService } from '../../token/service.ts'
import { createSoftwareKey } from '../create-software-key.ts'
import type { ServiceKeyPorts } from '../service-key-desk.ts'

const hostEntry = fileURLToPath(new URL('../../token/host/index.ts', import.meta.url))

export const operator = 'Custodian'

type Tokens = ReturnType<typeof createTokenService>

export interface SoftwareBench {
  readonly folder: string
  readonly serviceKeys: string
  readonly station: AuditStation
  readonly tokens: Tokens
  readonly ports: ServiceKeyPorts & { readonly tokens: Tokens }
  /** Registers a software key; gives its fingerprint. */
  makeKey(description: string): Promise<string>
  makeLogKey(): Promise<void>
  rows(): Promise<readonly { readonly fingerprint: string; readonly private_key: string }[]>
  entries(event?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): Promise<void>
}

/** A station's database, folder of service keys and token service in `folder`, or those that are there. */
export async function softwareBench(folder: string, onLog: (line: string) => void = () => {}): Promise<SoftwareBench> {
  const serviceKeys = join(folder, 'service-keys')
  mkdirSync(serviceKeys, { recursive: true, mode: 0o700 })
  const station = await auditStation(join(folder, 'station.db'), () => new Date())
  const tokens = createTokenService({
    node: process.execPath,
    hostEntry,
    modules: [],
    serviceKeysFolder: serviceKeys,
    environment: {},
    log: stderrLog(onLog),
  })
  const logKeyPath = join(folder, 'log-key.json')
  const ports = {
    db: station.db,
    audit: station.log,
    tokens,
    folder: serviceKeys,
    logKeyPath,
    now: () => new Date(),
  }
  return {
    folder,
    serviceKeys,
    station,
    tokens,
    ports,
    makeKey: async (description) => {
      const made = await createSoftwareKey(ports, description, operator)
      if (!made.ok) throw new Error(made.error.message)
      return made.value
    },
    makeLogKey: async () => {
      const made = await createLogKey(logKeyPath, newLogOrigin('bench'), tokens)
      if (!made.ok) throw new Error(made.error.message)
    },
    rows: () => station.db.selectFrom('signing_key').select(['fingerprint', 'private_key']).orderBy('id').execute(),
    entries: async (event) =>
      (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute())
        .map(({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8'))) // our own log
        .filter((entry) => event === undefined || entry['event'] === event),
    close: async () => {
      await tokens.reset()
      await station.close()
    },
  }
}
