import type { Page } from '@playwright/test'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { StationFolders } from '../harness/station-process.ts'
import { type SandboxServer, startSandboxServer } from '../sandbox-server/sandbox-server.ts'
import { type Person, setUpByHand } from './person.ts'
import { makeWorkbench } from './workbench.ts'

/** A server and one key, on a soft token where SoftHSM is installed, else in the station itself. */
export interface DemoBench {
  readonly server: SandboxServer
  readonly env: Readonly<Record<string, string>>
  /** Null: the key is in software. */
  readonly pin: string | null
  /** From an empty profile to "on duty", by hand. */
  setUp(page: Page, person: Person): Promise<void>
  /** After `setUp`. */
  readonly key: { readonly fingerprint: string; readonly certificatePem: string }
  stop(): Promise<void>
}

export async function makeDemoBench(folders: StationFolders, software: boolean): Promise<DemoBench> {
  if (software || softHsmModule() === null) return softwareBench(await startSandboxServer({ dialect: '0.16' }))
  const bench = await makeWorkbench({
    folders,
    keys: [{ algorithm: 'rsa-2048', commonName: 'Secure Boot signer 2026' }],
  })
  const [key] = bench.keys
  if (key === undefined) throw new Error('the token has no key')
  return {
    server: bench.server,
    env: bench.env,
    pin: bench.pin,
    setUp: (page, person) => setUpByHand(page, person, bench),
    key,
    stop: () => bench.stop(),
  }
}

function softwareBench(server: SandboxServer): DemoBench {
  let made: DemoBench['key'] | null = null
  return {
    server,
    env: {},
    pin: null,
    async setUp(page, person) {
      await person.createStation({ station: 'desk.example.org', operator: 'Release Manager' })
      await person.setServer(server, null)
      await person.enrol()
      server.enableWorker()
      await person.makeSoftwareKey('Secure Boot test signer')
      // What an administrator of the server does with the fingerprint and the certificate that the key's card shows.
      made = await page.evaluate(async () => {
        const keys = await window.station.keysList()
        const [key] = keys.ok ? keys.value : []
        return key === undefined ? null : { fingerprint: key.fingerprint, certificatePem: key.certificatePem }
      })
      if (made === null) throw new Error('the station shows no key')
      server.addKey({ purpose: 'uefi', fingerprint: made.fingerprint, publicKey: made.certificatePem })
      await person.setDuty(true)
    },
    get key() {
      if (made === null) throw new Error('there is no key before the station is set up')
      return made
    },
    stop: () => server.stop(),
  }
}
