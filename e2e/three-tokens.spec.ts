import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { test as base } from './harness/fixtures.ts'
import { type SandboxServer, startSandboxServer } from './sandbox-server/sandbox-server.ts'
import { buildPe } from './workbench/pe-files.ts'
import { type Person, personAt } from './workbench/person.ts'
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
    const server = await startSandboxServer({ dialect: '0.16' })
    for (const key of three.keys)
      server.addKey({ purpose: 'uefi', fingerprint: key.fingerprint, publicKey: key.certificatePem })
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

test.use({ viewport: { width: 1400, height: 900 } })

test('requests for keys on SoftHSM, on a YubiKey and on a YubiHSM are approved one after another', async ({
  page,
  three,
  server,
  folders,
}) => {
  const person = personAt(page)
  await page.setViewportSize({ width: 1400, height: 900 })
  await person.createStation({ station: 'desk.example.org', operator: 'Release Manager' })
  await chooseModules(page, person, three, server)
  await person.enrol()
  server.enableWorker()
  await person.go('Keys & tokens')
  for (const key of three.keys) await expect(page.getByRole('article', { name: `Token ${key.serial}` })).toBeVisible()
  await look(page, 'tokens')
  for (const key of three.keys) await register(page, key)
  await page.locator('.screen-scroll').evaluate((screen) => screen.scrollTo(0, 0))
  await look(page, 'keys')
  await page.getByRole('article', { name: `Token ${three.keys[1].serial}` }).scrollIntoViewIfNeeded()
  await expect(page.getByText(/PIN for each signature, touch for each signature/)).toBeVisible()
  await look(page, 'token-cards')
  await page.getByRole('button', { name: three.keys[1].description }).click()
  await look(page, 'key')
  await person.setDuty(true)

  for (const [index, key] of three.keys.entries()) {
    const images = [buildPe(2 * index), buildPe(2 * index + 1)]
    const id = await ask(server, key, images)
    await person.openFirst()
    await expect(page.getByText(key.description).first()).toBeVisible()
    await look(page, `review-${key.name}`)
    await begin(page, 'Approve …', three, key)
    if (key.name === 'YubiKey') await touchForEach(page, three, images)
    await signedAs(server, id, { folder: folders.base, key, images })
    await look(page, `result-${key.name}`)
  }

  // Nobody touches the key: nothing was signed, the window says why, and the request goes on when somebody does.
  const [, key] = three.keys
  const images = [buildPe(9)]
  const id = await ask(server, key, images)
  await person.openFirst()
  await begin(page, 'Approve …', three, key)
  await three.yubikey.touchAwaited()
  three.yubikey.letTouchExpire()
  await expect(page.getByText(/a touch that did not come/).first()).toBeVisible()
  await look(page, 'not-touched')
  await begin(page, 'Go on …', three, key)
  await touchForEach(page, three, images)
  await signedAs(server, id, { folder: folders.base, key, images })

  expect(server.record.violations).toEqual([])
  await person.go('Keys & tokens')
  await look(page, 'keys-used')
})

async function chooseModules(page: Page, person: Person, three: ThreeTokens, server: SandboxServer): Promise<void> {
  await person.go('Settings')
  await page.getByRole('textbox', { name: 'Address of the API' }).fill(server.apiUrl)
  await page.getByRole('textbox', { name: 'Certificate authority (PEM)' }).fill(server.caPem)
  for (const [index, module] of three.modules.entries()) {
    await page.getByRole('button', { name: 'Add a module' }).click()
    await page.getByRole('textbox', { name: `Module ${index + 1}` }).fill(module)
  }
  await page.getByRole('button', { name: 'Add a connector' }).click()
  await page.getByRole('textbox', { name: 'Connector 1' }).fill(three.hsm.connector.url)
  await look(page, 'settings')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('All saved.')).toBeVisible()
}

async function register(page: Page, key: KeyOnToken): Promise<void> {
  const token = page.getByRole('article', { name: `Token ${key.serial}` })
  await token.getByRole('button', { name: /^Register/ }).click()
  if (key.name === 'YubiHSM') await page.getByRole('textbox', { name: 'Object id' }).fill(`0x${key.ckaId}`)
  await page.getByRole('textbox', { name: 'Description' }).fill(key.description)
  await page
    .getByRole('dialog')
    .getByText(key.production ? 'Production' : 'Test', { exact: true })
    .click()
  await page.getByRole('dialog').getByRole('textbox', { name: 'Certificate (PEM)' }).fill(key.certificatePem)
  await look(page, `register-${key.name}`)
  await page.getByRole('button', { name: 'Continue to the PIN …' }).click()
  await page.getByLabel(/^PIN of/).fill(key.pin)
  await page.getByRole('button', { name: 'Register the key' }).click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await expect(page.getByText(key.description, { exact: true }).first()).toBeVisible()
}

function ask(server: SandboxServer, key: KeyOnToken, images: readonly Uint8Array[]): Promise<number> {
  return server.addSignRequest({
    fingerprint: key.fingerprint,
    files: images.map((bytes, at) => ({ name: `example/usr/lib/example-${at}.efi`, bytes })),
    binaryPackage: {
      name: `example-${key.name.toLowerCase()}`,
      source: 'example',
      architecture: 'amd64',
      version: '1.0',
    },
    trustedCerts: [],
  })
}

async function begin(page: Page, button: string, { yubikey }: ThreeTokens, key: KeyOnToken): Promise<void> {
  yubikey.finger = 'away'
  await page.getByRole('button', { name: button }).click()
  await page.getByLabel(/^PIN of/).fill(key.pin)
  await look(page, `pin-${key.name}`)
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: /^Sign \d/ })
    .click()
}

async function touchForEach(page: Page, { yubikey }: ThreeTokens, images: readonly Uint8Array[]): Promise<void> {
  for (const file of images.keys()) {
    await yubikey.touchAwaited()
    await expect(page.getByText(/[Tt]ouch the/).first()).toBeVisible()
    await look(page, `touch-${file}`)
    yubikey.touch()
  }
}

interface Wanted {
  readonly folder: string
  readonly key: KeyOnToken
  readonly images: readonly Uint8Array[]
}

async function signedAs(server: SandboxServer, id: number, { folder, key, images }: Wanted): Promise<void> {
  await expect.poll(() => server.workRequest(id)?.status, { timeout: 60_000 }).toBe('completed')
  expect(server.workRequest(id)?.result).toBe('success')
  const outputs = await server.outputs(id)
  const signed = outputs.find((output) => output.category === 'debusine:signing-output')
  verifyAll(folder, key, images, signed?.files.map(({ bytes }) => bytes) ?? [])
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

/** Pictures for a person to look at, where STATION_PICTURES names a folder for them. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env['STATION_PICTURES']
  if (folder === undefined) return
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map((each) => each.finished)))
    await page.screenshot({ path: join(folder, `${name}-${theme}.png`) })
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
}
