import { afterEach, expect, type TestContext, test } from 'vitest'
import { createTokenService } from '../../../src/main/token/service.ts'
import { hostEntry } from '../../../src/main/token/testing/token-bench.ts'
import { createYubiHsmConfiguration } from '../../../src/main/token/yubihsm-configuration.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { YubiHsmBench } from './testing/yubihsm-bench.ts'

// The file that the station writes, read by the maker's own module: what is chosen in the settings is what it uses.

const vendor = await vendorSoftware()
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function start(ctx: TestContext) {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const benches = await Promise.all([11, 12].map((serial) => YubiHsmBench.start(vendor.value, { serial })))
  const [one, other] = benches
  if (one === undefined || other === undefined) throw new Error('there are two')
  const configuration = createYubiHsmConfiguration(vendor.value.environment, one.folder)
  const tokens = createTokenService({
    node: process.execPath,
    hostEntry,
    modules: [vendor.value.module],
    serviceKeysFolder: one.folder,
    environment: configuration.environment,
    log: () => {},
  })
  undo.push(
    () => one.dispose(),
    () => other.dispose(),
    () => tokens.reset(),
  )
  return {
    urls: [one.connector.url, other.connector.url] as const,
    async shown(...connectors: readonly string[]) {
      const isChange = configuration.use({ connectors: [...connectors], caPem: null })
      await tokens.setModules([vendor.value.module], isChange)
      const { tokens: seen, modules } = await tokens.list({ refresh: false })
      expect(modules.map(({ problem }) => problem)).toEqual([null])
      return seen.map(({ token }) => token.id.serial).sort()
    },
  }
}

test('the YubiHSMs behind the connectors of the settings are shown, and follow them without a restart', async (ctx) => {
  const { urls, shown } = await start(ctx)
  const [one, other] = urls
  expect(await shown(one)).toEqual(['00000011'])
  expect(await shown(other)).toEqual(['00000012'])
  expect(await shown(one, other)).toEqual(['00000011', '00000012'])
  // A connector that does not run takes nothing from the others.
  expect(await shown('http://127.0.0.1:1', other)).toEqual(['00000012'])
})

test('a device on USB that cannot be opened is no token, and takes nothing from a connector', async (ctx) => {
  const { urls, shown } = await start(ctx)
  expect(await shown('yhusb://serial=4294967295')).toEqual([])
  expect(await shown('yhusb://serial=4294967295', urls[0])).toEqual(['00000011'])
})
