import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { test as base } from './harness/fixtures.ts'
import type { SandboxServer } from './sandbox-server/sandbox-server.ts'
import { buildPe } from './workbench/pe-files.ts'
import { serverFor, threeHands } from './workbench/three-hands.ts'
import { type KeyOnToken, makeThreeTokens, type ThreeTokens } from './workbench/three-tokens.ts'

// Three tokens of three makers at one desk, all at once, each through its vendor's own module: keys are registered, and requests
// for each of them approved one after another, by hand in the window.

const test = base.extend<{
  three: ThreeTokens
  server: SandboxServer
  stationWithin: readonly string[]
  stationEnv: Record<string, string>
}>({
  three: async ({ folders }, use) => {
    const three = await makeThreeTokens(folders)
    base.skip(typeof three === 'string', typeof three === 'string' ? three : '')
    if (typeof three === 'string') return
    await use(three)
    await three.stop()
  },
  server: async ({ three }, use) => {
    const server = await serverFor(three)
    await use(server)
    await server.stop()
  },
  stationWithin: async ({ three }, use) => {
    await use([...three.within])
  },
  stationEnv: async ({ three }, use) => {
    await use({ ...three.env })
  },
})

test('requests for keys on SoftHSM, on a YubiKey and on a YubiHSM are approved one after another', async ({
  page,
  three,
  server,
  folders,
}) => {
  // Nine logins at real modules, and touches: a loaded machine takes its time.
  test.setTimeout(420_000)
  const look = (name: string) => picture(page, name)
  const hands = threeHands({ page, three, server, look })
  await hands.setUp()

  for (const [index, key] of three.keys.entries()) {
    const images = [buildPe(2 * index), buildPe(2 * index + 1)]
    const id = await hands.ask(key, images)
    await hands.begin('Approve …', key)
    if (key.name === 'YubiKey') await hands.touchForEach(images)
    await hands.completed(id)
    await look(`result-${key.name}`)
    verifyAll(folders.base, key, images, await signaturesOf(server, id))
  }

  // Nobody touches the key: nothing was signed, the window says why, and the request goes on when somebody does.
  const [, key] = three.keys
  const images = [buildPe(9)]
  const id = await hands.ask(key, images)
  await hands.begin('Approve …', key)
  await three.yubikey.touchAwaited()
  three.yubikey.letTouchExpire()
  await expect(page.getByText(/a touch that did not come/).first()).toBeVisible()
  await look('not-touched')
  await hands.begin('Go on …', key)
  await hands.touchForEach(images)
  await hands.completed(id)
  verifyAll(folders.base, key, images, await signaturesOf(server, id))

  expect(server.record.violations).toEqual([])
})

async function signaturesOf(server: SandboxServer, id: number): Promise<readonly Uint8Array[]> {
  const outputs = await server.outputs(id)
  const signed = outputs.find((output) => output.category === 'debusine:signing-output')
  return signed?.files.map(({ bytes }) => bytes) ?? []
}

/** By a tool that shares nothing with the station. */
function verifyAll(
  folder: string,
  key: KeyOnToken,
  images: readonly Uint8Array[],
  signatures: readonly Uint8Array[],
): void {
  expect(signatures).toHaveLength(images.length)
  const certificate = join(folder, `${key.name}.pem`)
  writeFileSync(certificate, key.certificatePem)
  for (const [index, image] of images.entries()) {
    const [file, signature] = [join(folder, 'image.efi'), join(folder, 'image.sig')]
    writeFileSync(file, image)
    writeFileSync(signature, signatures[index] ?? new Uint8Array())
    expect(
      execFileSync('/usr/bin/sbverify', ['--cert', certificate, '--detached', signature, file], { encoding: 'utf8' }),
    ).toContain('Signature verification OK')
  }
}

/** For a person to look at, where STATION_PICTURES names a folder. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['STATION_PICTURES']
  if (folder === undefined) return
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await page.screenshot({ path: join(folder, `${name}-${theme}.png`), animations: 'disabled' })
  }
}
