import { expect, type Page } from '@playwright/test'
import { attach } from '../harness/fixtures.ts'
import { makeFolders, removeFolders, startStation } from '../harness/station-process.ts'
import { type SandboxServer, startSandboxServer } from '../sandbox-server/sandbox-server.ts'
import { buildPe } from './pe-files.ts'
import { personAt } from './person.ts'
import { type KeyOnToken, makeThreeTokens, type ThreeTokens } from './three-tokens.ts'

export interface ThreeDesk {
  readonly page: Page
  readonly three: ThreeTokens
  readonly server: SandboxServer
  /** Called with each screen in front of it. */
  readonly look: (name: string) => Promise<void>
}

/** A server that knows the keys of the three tokens. */
export async function serverFor(three: ThreeTokens): Promise<SandboxServer> {
  const server = await startSandboxServer({ dialect: '0.16' })
  for (const key of three.keys)
    server.addKey({ purpose: 'uefi', fingerprint: key.fingerprint, publicKey: key.certificatePem })
  return server
}

/** Whoever works at a desk with three tokens: from an empty profile to signatures, by hand in the window. */
export function threeHands({ page, three, server, look }: ThreeDesk) {
  const person = personAt(page)
  const button = (name: string | RegExp) => page.getByRole('button', { name })
  const field = (name: string) => page.getByRole('textbox', { name, exact: true })
  const token = (key: KeyOnToken) => page.getByRole('article', { name: `Token ${key.serial}` })

  async function chooseModules(): Promise<void> {
    await person.go('Settings')
    await field('Address of the API').fill(server.apiUrl)
    await field('Certificate authority (PEM)').fill(server.caPem)
    for (const [index, module] of three.modules.entries()) {
      await button('Add a module').click()
      await field(`Module ${index + 1}`).fill(module)
    }
    await button('Add a connector').click()
    await field('Connector 1').fill(three.hsm.connector.url)
    await look('settings')
    await button('Save').click()
    await expect(page.getByText('All saved.')).toBeVisible()
  }

  async function register(key: KeyOnToken): Promise<void> {
    const form = page.getByRole('dialog')
    await token(key)
      .getByRole('button', { name: /^Register/ })
      .click()
    if (key.name === 'YubiHSM') await form.getByRole('textbox', { name: 'Object id' }).fill(`0x${key.ckaId}`)
    await form.getByRole('textbox', { name: 'Description' }).fill(key.description)
    await form.getByText(key.production ? 'Production' : 'Test', { exact: true }).click()
    await form.getByRole('textbox', { name: 'Certificate (PEM)' }).fill(key.certificatePem)
    await look(`register-${key.name}`)
    await button('Continue to the PIN …').click()
    await page.getByLabel(/^PIN of/).fill(key.pin)
    await button('Register the key').click()
    await expect(page.getByRole('alertdialog')).toHaveCount(0)
    await expect(page.getByText(key.description, { exact: true }).first()).toBeVisible()
  }

  return {
    person,
    async setUp(): Promise<void> {
      const [, yubikey] = three.keys
      await page.setViewportSize({ width: 1400, height: 900 })
      await person.createStation({ station: 'desk.example.org', operator: 'Release Manager' })
      await chooseModules()
      await person.enrol()
      server.enableWorker()
      await person.go('Keys & tokens')
      for (const key of three.keys) await expect(token(key)).toBeVisible()
      await look('tokens-unregistered')
      for (const key of three.keys) await register(key)
      await page.locator('.screen-scroll').evaluate((screen) => screen.scrollTo(0, 0))
      await look('keys-of-three')
      await token(yubikey).scrollIntoViewIfNeeded()
      await expect(page.getByText(/PIN for each signature, touch for each signature/)).toBeVisible()
      await look('tokens')
      await button(yubikey.description).click()
      await look('key')
      await person.setDuty(true)
    },
    /** Asks for signatures on the images and opens the sheet. */
    async ask(key: KeyOnToken, images: readonly Uint8Array[]): Promise<number> {
      const id = await server.addSignRequest({
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
      await person.openFirst()
      await expect(page.getByText(key.description).first()).toBeVisible()
      await look(`review-${key.name}`)
      return id
    },
    async begin(which: 'Approve …' | 'Go on …', key: KeyOnToken): Promise<void> {
      three.yubikey.finger = 'away'
      await button(which).click()
      await page.getByLabel(/^PIN of/).fill(key.pin)
      await look(`pin-${key.name}`)
      await page
        .getByRole('alertdialog')
        .getByRole('button', { name: /^Sign \d/ })
        .click()
    },
    async touchForEach(images: readonly Uint8Array[]): Promise<void> {
      for (const _ of images) {
        await three.yubikey.touchAwaited()
        await expect(page.getByText(/Touch the token now/).first()).toBeVisible()
        await look('touch')
        three.yubikey.touch()
      }
    },
    completed: (id: number) => expect.poll(() => server.workRequest(id)?.result, { timeout: 60_000 }).toBe('success'),
  }
}

/** Past the screens that only such a desk has. A string: why there is none on this machine. */
export async function showThreeTokens(visit: (name: string, page: Page) => Promise<void>): Promise<string | null> {
  const folders = makeFolders()
  try {
    const three = await makeThreeTokens(folders)
    if (typeof three === 'string') return three
    const server = await serverFor(three)
    const station = startStation({ window: 'chromium', folders, env: three.env, within: three.within })
    try {
      const { page } = await attach(station)
      const hands = threeHands({ page, three, server, look: (name) => visit(name, page) })
      await hands.setUp()
      const [, yubikey] = three.keys
      const images = [buildPe(1), buildPe(2), buildPe(3)]
      const id = await hands.ask(yubikey, images)
      await hands.begin('Approve …', yubikey)
      await hands.touchForEach(images)
      await hands.completed(id)
      return null
    } finally {
      station.kill('SIGTERM')
      await station.exit
      await server.stop()
      await three.stop()
    }
  } finally {
    removeFolders(folders)
  }
}
