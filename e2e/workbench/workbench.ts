import type { Page } from '@playwright/test'
import type { SoftKeySpec } from '../../src/main/token/testing/soft-token.ts'
import type { StationApi } from '../../src/preload/api.ts'
import type { StationFolders } from '../harness/station-process.ts'
import { type SandboxServer, startSandboxServer } from '../sandbox-server/sandbox-server.ts'
import { type BenchKey, makeToken, type TokenBench } from './token-bench.ts'

/** What a test needs beside the station: a server that speaks debusine's protocol, and a soft token with keys that it knows. */
export interface Workbench extends TokenBench {
  readonly server: SandboxServer
  stop(): Promise<void>
}

export async function makeWorkbench(options: {
  readonly folders: StationFolders
  readonly dialect?: '0.11' | '0.16'
  readonly keys?: readonly SoftKeySpec[]
  readonly pin?: string
}): Promise<Workbench> {
  const server = await startSandboxServer({ dialect: options.dialect ?? '0.16' })
  const token = await makeToken({
    folders: options.folders,
    ...(options.pin === undefined ? {} : { pin: options.pin }),
    keys: options.keys ?? [{ algorithm: 'rsa-2048', commonName: 'Workbench Secure Boot signer' }],
  })
  for (const key of token.keys)
    server.addKey({ purpose: 'uefi', fingerprint: key.fingerprint, publicKey: key.certificatePem })
  return { ...token, server, stop: () => server.stop() }
}

declare global {
  // What the preload puts into the window.
  interface Window {
    readonly station: StationApi
  }
}

/** What a station is set up with. */
type Equipment = Pick<Workbench, 'server' | 'keys' | 'pin'> & { readonly tokens: { readonly module: string } }

/** Creates, configures, enrols and enables the station, and registers the bench's keys: all that a custodian does before the first request. */
export async function setUpStation(page: Page, bench: Equipment): Promise<void> {
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

export async function registerBenchKey(page: Page, bench: Pick<Workbench, 'pin'>, key: BenchKey): Promise<void> {
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
