import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { makeSoftToken, type SoftKeySpec, type SoftTokens } from '../../src/main/token/testing/soft-token.ts'
import type { StationApi } from '../../src/preload/api.ts'
import type { StationFolders } from '../harness/station-process.ts'
import { type SandboxServer, startSandboxServer } from '../sandbox-server/sandbox-server.ts'

/** What a test needs beside the station: a server that speaks debusine's protocol, and a soft token with keys that it knows. */
export interface Workbench {
  readonly server: SandboxServer
  readonly tokens: SoftTokens
  readonly pin: string
  readonly keys: readonly BenchKey[]
  /** Environment for the station: where SoftHSM's configuration is. */
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

export interface BenchKey {
  readonly ckaId: string
  /** SHA-256 of the certificate, upper-case hex. */
  readonly fingerprint: string
  readonly certificatePem: string
}

export const benchPin = '648219'

export async function makeWorkbench(options: {
  readonly folders: StationFolders
  readonly dialect?: '0.11' | '0.16'
  readonly keys?: readonly SoftKeySpec[]
}): Promise<Workbench> {
  const server = await startSandboxServer({ dialect: options.dialect ?? '0.16' })
  const directory = join(options.folders.base, 'token')
  const specs = options.keys ?? [{ algorithm: 'rsa-2048', commonName: 'Workbench Secure Boot signer' }]
  const tokens = await makeSoftToken({ directory, tokens: [{ label: 'Workbench', pin: benchPin, keys: specs }] })
  if (process.getuid?.() === 0) execFileSync('/usr/bin/chown', ['-R', '20001:20001', directory])
  const keys = (tokens.tokens[0]?.keys ?? []).flatMap((key): BenchKey[] =>
    key.certificatePem === null
      ? []
      : [{ ckaId: key.ckaId, certificatePem: key.certificatePem, fingerprint: fingerprintOf(key.certificatePem) }],
  )
  for (const key of keys)
    server.addKey({ purpose: 'uefi', fingerprint: key.fingerprint, publicKey: key.certificatePem })
  return {
    server,
    tokens,
    pin: benchPin,
    keys,
    env: { SOFTHSM2_CONF: tokens.configuration },
    stop: () => server.stop(),
  }
}

export function fingerprintOf(certificatePem: string): string {
  return createHash('sha256').update(new X509Certificate(certificatePem).raw).digest('hex').toUpperCase()
}

declare global {
  // What the preload puts into the window.
  interface Window {
    readonly station: StationApi
  }
}

/** Creates, configures, enrols and enables the station, and registers the bench's keys: all that a custodian does before the first request. */
export async function setUpStation(page: Page, bench: Workbench): Promise<void> {
  await page.waitForFunction(() => 'station' in window)
  const problem = await page.evaluate(
    async ({ apiUrl, caPem, module }) => {
      const created = await window.station.stationCreate({
        stationName: 'desk.example.org',
        operatorName: 'Release Manager',
      })
      if (!created.ok) return created.error.message
      const settings = await window.station.settingsGet()
      if (!settings.ok) return settings.error.message
      const saved = await window.station.settingsSet({
        ...settings.value,
        server: { apiUrl, caPem, scope: null },
        modules: [{ path: module, enabled: true }],
      })
      if (!saved.ok) return saved.error.message
      const enrolled = await window.station.serverEnrol({ activationToken: null })
      return enrolled.ok ? null : enrolled.error.message
    },
    { apiUrl: bench.server.apiUrl, caPem: bench.server.caPem, module: bench.tokens.module },
  )
  if (problem !== null) throw new Error(problem)
  bench.server.enableWorker()
  for (const key of bench.keys) await registerBenchKey(page, bench, key)
}

export async function registerBenchKey(page: Page, bench: Workbench, key: BenchKey): Promise<void> {
  const refused = await page.evaluate(
    async ({ ckaId, certificatePem, pin }) => {
      const listed = await window.station.tokensList({ refresh: false })
      if (!listed.ok) return listed.error.message
      const token = listed.value.tokens.find(({ objects }) => objects.some((object) => object.ckaId === ckaId))
      if (token === undefined) return `no token has the key ${ckaId}`
      const registered = await window.station.keysRegister({
        purpose: 'uefi',
        token: token.token.id,
        ckaId,
        certificatePem,
        description: 'Workbench Secure Boot signer',
        production: false,
        pin,
        useLastTry: false,
      })
      return registered.ok ? null : registered.error.message
    },
    { ...key, pin: bench.pin },
  )
  if (refused !== null) throw new Error(refused)
}

export async function goOnDuty(page: Page): Promise<void> {
  const refused = await page.evaluate(async () => {
    const answer = await window.station.dutySet({ onDuty: true })
    return answer.ok ? null : answer.error.message
  })
  if (refused !== null) throw new Error(refused)
}
