import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openStationDatabase } from '../../../db/open.ts'
import { profileAt } from '../../../src/main/config/profile.ts'
import { Digester } from '../../../src/main/digest/digester.ts'
import { entryUrl } from '../../../src/main/digest/entry-url.ts'
import { InspectorProcess } from '../../../src/main/inspector/inspector-process.ts'
import { silentLog as log } from '../../../src/main/log/logger.ts'
import type { SbatLevel } from '../../../src/main/policy/policy-input.ts'
import { createSigner } from '../../../src/main/signing/registry.ts'
import { openStation, type Station } from '../../../src/main/station/station.ts'
import { createDeviceLogReader } from '../../../src/main/token/device-log-reader.ts'
import { createHsmService } from '../../../src/main/token/hsm-service.ts'
import { createTokenService } from '../../../src/main/token/service.ts'
import { createYubiHsmConfiguration } from '../../../src/main/token/yubihsm-configuration.ts'

const root = new URL('../../../src/main/index.ts', import.meta.url)
const entry = (name: string) => fileURLToPath(new URL(`../../../src/main/token/${name}/index.ts`, import.meta.url))

/** The station of a profile without a window, in a process that a test kills. */
export async function openChildStation(of: {
  readonly profile: string
  /** SoftHSM's. */
  readonly configuration: string
}): Promise<Station> {
  const profile = profileAt(of.profile, {})
  const environment = { SOFTHSM2_CONF: of.configuration }
  const opened = await openStationDatabase(profile.database)
  if (!opened.ok) throw new Error(opened.error.message)
  const node = process.execPath
  return openStation(opened.value, {
    profile,
    tokens: createTokenService({
      node,
      hostEntry: entry('host'),
      modules: [],
      serviceKeysFolder: profile.serviceKeys,
      environment,
      log,
    }),
    yubihsm: createYubiHsmConfiguration(environment, profile.runtime),
    hsm: createHsmService({ node, hostEntry: entry('hsm-host'), environment, log }),
    ceremonyFiles: {
      scripts: fileURLToPath(new URL('../../../resources/ceremonies', import.meta.url)),
      program: fileURLToPath(new URL('../../../src/main', import.meta.url)),
    },
    deviceLogReader: createDeviceLogReader({ node, hostEntry: entry('log-host'), environment, log }),
    inspector: new InspectorProcess({ nodePath: node, entry: entryUrl('inspector', root.href), log }),
    media: { node, entry: entryUrl('media', root.href), log },
    signer: createSigner(new Digester(entryUrl('hash-worker', root.href))),
    sbatLevel: JSON.parse(
      readFileSync(new URL('../../../resources/sbat-level.json', import.meta.url), 'utf8'),
    ) as SbatLevel, // its form is tested beside the check
    shippedRoots: [],
    version: '0.0.0',
    now: () => new Date(),
    log,
    publish: () => {},
    onStatus: () => {},
  })
}
