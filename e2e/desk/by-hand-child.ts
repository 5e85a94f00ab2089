// Runs as a process that the test kills: opens the station of a profile without a window, opens files by hand and approves them.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { openStationDatabase } from '../../db/open.ts'
import { profileAt } from '../../src/main/config/profile.ts'
import { Digester } from '../../src/main/digest/digester.ts'
import { entryUrl } from '../../src/main/digest/entry-url.ts'
import { InspectorProcess } from '../../src/main/inspector/inspector-process.ts'
import { silentLog as log } from '../../src/main/log/logger.ts'
import type { SbatLevel } from '../../src/main/policy/policy-input.ts'
import { showRequest } from '../../src/main/requests/request-lists.ts'
import { createSigner } from '../../src/main/signing/registry.ts'
import { openStation } from '../../src/main/station/station.ts'
import { createDeviceLogReader } from '../../src/main/token/device-log-reader.ts'
import { createHsmService } from '../../src/main/token/hsm-service.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { createYubiHsmConfiguration } from '../../src/main/token/yubihsm-configuration.ts'
import { fingerprint } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'

const input = z
  .strictObject({
    profile: z.string(),
    configuration: z.string(),
    paths: z.array(z.string()),
    fingerprint,
    pin: z.string(),
  })
  .parse(JSON.parse(readFileSync(0, 'utf8')))

const root = new URL('../../src/main/index.ts', import.meta.url)
const entry = (name: string) => fileURLToPath(new URL(`../../src/main/token/${name}/index.ts`, import.meta.url))
const profile = profileAt(input.profile, {})
const environment = { SOFTHSM2_CONF: input.configuration }
const opened = await openStationDatabase(profile.database)
if (!opened.ok) throw new Error(opened.error.message)
const node = process.execPath
const station = await openStation(opened.value, {
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
    scripts: fileURLToPath(new URL('../../resources/ceremonies', import.meta.url)),
    program: fileURLToPath(new URL('../../src/main', import.meta.url)),
  },
  deviceLogReader: createDeviceLogReader({ node, hostEntry: entry('log-host'), environment, log }),
  inspector: new InspectorProcess({ nodePath: node, entry: entryUrl('inspector', root.href), log }),
  media: { node, entry: entryUrl('media', root.href), log },
  signer: createSigner(new Digester(entryUrl('hash-worker', root.href))),
  sbatLevel: JSON.parse(readFileSync(new URL('../../resources/sbat-level.json', import.meta.url), 'utf8')) as SbatLevel, // its form is tested beside the check
  shippedRoots: [],
  version: '0.0.0',
  now: () => new Date(),
  log,
  publish: () => {},
  onStatus: () => {},
})
const { desk, database } = station
const id = await desk.hand.openByHand({
  paths: input.paths,
  signAs: 'uefi-detached',
  fingerprint: input.fingerprint,
  folder: null,
})
if (!id.ok) throw new Error(id.error.message)
for (;;) {
  const detail = await showRequest(database.db, id.value)
  if (detail?.summary.stage === 'done') break
  if (detail?.summary.stage === 'review' && detail.sheetDigest !== null) {
    await desk.show(id.value, detail.sheetDigest)
    await desk.approve({
      requestId: id.value,
      sheetDigest: detail.sheetDigest,
      acknowledged: detail.approvability?.kind === 'approvable' ? detail.approvability.acknowledge : [],
      pin: Secret.fromText(input.pin),
      useLastTry: false,
    })
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
}
await station.close()
process.stdout.write('done')
process.exit(0)
