import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditStation, auditStation } from '../../../src/main/audit/testing/audit-station.ts'
import { hastyClock } from '../../../src/main/debusine/testing/hand-clock.ts'
import { silentLog } from '../../../src/main/log/logger.ts'
import {
  createWaitingDesk,
  type WaitingDesk,
  type WaitingDeskPorts,
} from '../../../src/main/requests/waiting/waiting-desk.ts'
import { defaultSettings } from '../../../src/main/settings/settings-store.ts'
import type { ServerCertificate } from '../../sandbox-server/certificates.ts'
import { type SandboxServer, startSandboxServer } from '../../sandbox-server/sandbox-server.ts'

/** A log in a real file, a sandbox server, and the token of one of its users: all that tasks that wait for a person need. */
export interface WaitingBench {
  readonly folder: string
  readonly server: SandboxServer
  readonly station: AuditStation
  readonly ports: WaitingDeskPorts
  readonly desk: WaitingDesk
  /** The entries so far, without the places. */
  entries(): Promise<readonly Record<string, unknown>[]>
  /** Whose token is in the settings from now on. */
  be(token: string): Promise<void>
  dispose(): Promise<void>
}

export async function makeWaitingBench(
  dialect: '0.11' | '0.16',
  certificate: ServerCertificate,
): Promise<WaitingBench> {
  const folder = await mkdtemp(join(tmpdir(), 'waiting-'))
  const server = await startSandboxServer({ dialect, certificate })
  const station = await auditStation(join(folder, 'station.db'))
  const userTokenFile = join(folder, 'user-token')
  const be = (token: string) => writeFile(userTokenFile, token, { mode: 0o600 })
  await be(server.submitterToken)
  const ports: WaitingDeskPorts = {
    db: station.db,
    audit: station.log,
    settings: () => ({
      ...defaultSettings('desk.example.org', 'Zoë'),
      server: { apiUrl: server.apiUrl, caPem: server.caPem, scope: null },
    }),
    userTokenFile,
    mayWrite: () => true,
    now: () => new Date(),
    clock: hastyClock(),
    log: silentLog,
  }
  const desk = createWaitingDesk(ports)
  return {
    folder,
    server,
    station,
    ports,
    desk,
    entries: async () =>
      (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
        ({ entry }) => JSON.parse(Buffer.from(entry).toString('utf8')) as Record<string, unknown>,
      ),
    be,
    dispose: async () => {
      await desk.stop()
      await station.close()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
