import { expect, type Locator, type Page } from '@playwright/test'
import type { AttestedDevice } from '../../src/shared/attestation.ts'

/** People at a ceremony, with nothing but the window: they read what is shown, click and type. */
export interface CeremonyPeople {
  /** From the list of scripts to the first step. */
  begin(title: string, parameters: Readonly<Record<string, string>>): Promise<void>
  /** Carries out the step that is due; gives its title. Null: all are done. */
  step(): Promise<string | null>
  /** Steps until one of this title is due. */
  until(title: string): Promise<void>
  due(): Promise<string | null>
}

export interface CeremonyHands {
  readonly pin: string
  readonly managementKey: string | null
  /** Serial numbers on the cases, by the title of the step. */
  readonly serials: Readonly<Record<string, string>>
}

const names: Readonly<Record<string, string>> = {
  'Ceremony administrator': 'A. Administrator',
  'Key custodian': 'K. Custodian',
  Witness: 'W. Witness',
}

export function peopleAt(page: Page, hands: CeremonyHands): CeremonyPeople {
  const heading = () => page.getByRole('heading', { level: 2, name: /^\d+\. / })
  const over = () => page.getByRole('button', { name: 'Seal the transcript' })
  const choose = (label: string, option: string) =>
    page.getByLabel(label, { exact: true }).selectOption({ label: option })

  async function due(): Promise<string | null> {
    await expect(heading().or(over()).first()).toBeVisible()
    if (await over().isVisible()) return null
    return ((await heading().textContent()) ?? '').replace(/^\d+\. /, '')
  }

  async function fill(title: string, form: Locator): Promise<void> {
    if (await form.getByLabel('Role').first().isVisible()) {
      for (const [index, [role, name]] of Object.entries(names).entries()) {
        const person = form.getByRole('group', { name: `${role} ${index + 1}` })
        await person.getByLabel('Name').fill(name)
        await person.getByLabel('Organisation').fill('Example')
      }
      return
    }
    if (await form.getByLabel('Serial number on the case').isVisible()) {
      const serial = hands.serials[title] ?? ''
      const device = page.getByLabel('Device, as the station sees it')
      const option = device.locator('option').filter({ hasText: new RegExp(`serial 0*${serial}$`) })
      if ((await option.count()) === 0) await page.getByRole('button', { name: 'Read tokens again' }).click()
      await expect(option).toHaveCount(1, { timeout: 30_000 })
      await device.selectOption((await option.getAttribute('value')) ?? '')
      await form.getByLabel('Serial number on the case').fill(serial)
      await form.getByLabel('Number of the seal or the bag').fill('BAG-0001')
      return
    }
    const words = form.getByRole('list', { name: 'Words to read aloud' })
    // SHA-256, or an OpenPGP fingerprint of version 4.
    if (await words.isVisible()) expect([20, 32]).toContain(await words.getByRole('listitem').count())
    const read = form.getByLabel('Read aloud by')
    if (await read.isVisible()) {
      // Before anybody was named there is a field to type in.
      if ((await read.evaluate((element) => element.tagName)) === 'SELECT')
        await choose('Read aloud by', 'A. Administrator')
      else await read.fill('A. Administrator')
    }
    if (await form.getByLabel('Compared by').isVisible()) await choose('Compared by', 'W. Witness')
    for (const box of await form.locator('.ceremony-questions textarea').all())
      await box.fill('As our policy for keys says, and as it was shown today.')
  }

  return {
    due,
    async begin(title, parameters) {
      await page.getByRole('button', { name: `Look at the plan: ${title}` }).click()
      for (const [label, value] of Object.entries(parameters)) await page.getByLabel(label).fill(value)
      await page.getByRole('button', { name: 'Show the plan' }).click()
      await page.getByRole('button', { name: 'Begin the ceremony' }).click()
      await expect(heading()).toBeVisible()
    },
    async step() {
      const title = await due()
      if (title === null) return null
      const form = page.locator('.ceremony-step')
      const start = form.getByRole('button', { name: 'Begin this step' })
      if (await start.isVisible()) await start.click()
      await expect(start).toHaveCount(0)
      await fill(title, form)
      await form.locator('.button-primary').click()
      const dialog = page.getByRole('alertdialog')
      // Either the step is over, or the PIN is asked for.
      await expect(async () => {
        expect((await dialog.isVisible()) || (await due()) !== title).toBe(true)
      }).toPass({ timeout: 60_000 })
      if (await dialog.isVisible()) {
        if (hands.managementKey !== null && (await dialog.getByLabel('Management key').isVisible()))
          await dialog.getByLabel('Management key').fill(hands.managementKey)
        await dialog.getByLabel(/^PIN of/).fill(hands.pin)
        await dialog.locator('.button-primary').click()
        await expect(dialog).toHaveCount(0, { timeout: 90_000 })
      }
      await expect.poll(due, { timeout: 60_000 }).not.toBe(title)
      return title
    },
    async until(title) {
      for (let at = await due(); at !== title; at = await due()) {
        if (at === null) throw new Error(`no step ${title} came`)
        await this.step()
      }
    },
  }
}

/** What an operator sets before: the module of the device, and the root of its maker. */
export async function setUpForCeremony(
  page: Page,
  {
    module,
    roots,
    device,
  }: {
    readonly module: string
    readonly roots: readonly { readonly pem: string; readonly sha256: string }[]
    readonly device: AttestedDevice
  },
): Promise<void> {
  const problem = await page.evaluate(
    async ([path, certificates, kind]) => {
      const created = await window.station.stationCreate({
        stationName: 'desk.example.org',
        operatorName: 'K. Custodian',
      })
      if (!created.ok) return created.error.message
      const settings = await window.station.settingsGet()
      if (!settings.ok) return settings.error.message
      const saved = await window.station.settingsSet({ ...settings.value, modules: [{ path, enabled: true }] })
      if (!saved.ok) return saved.error.message
      for (const { pem, sha256 } of certificates) {
        // Its form is checked by main.
        const added = await window.station.rootsAdd({
          text: pem,
          paths: [],
          device: kind,
          confirmed: [sha256] as never,
        })
        if (!added.ok) return added.error.message
      }
      return null
    },
    [module, roots, device] as const,
  )
  expect(problem).toBeNull()
}
