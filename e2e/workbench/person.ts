import { expect, type Page } from '@playwright/test'
import type { Workbench } from './workbench.ts'

/** A release manager at the screens: sees what is shown, clicks and types. No call goes past the window. */
export interface Person {
  createStation(names: { readonly station: string; readonly operator: string }): Promise<void>
  /** `module` null: no token is used. */
  setServer(server: { readonly apiUrl: string; readonly caPem: string }, module: string | null): Promise<void>
  enrol(): Promise<void>
  registerKey(key: {
    readonly description: string
    readonly production: boolean
    readonly pin: string
    readonly index?: number
  }): Promise<void>
  makeSoftwareKey(description: string): Promise<void>
  setDuty(onDuty: boolean): Promise<void>
  /** Waits for the first request in hand and opens its sheet. */
  openFirst(): Promise<void>
  /** Ticks what wants to be acknowledged, approves, types the PIN (null: a software key has none), and waits for the end. */
  approve(pin: string | null): Promise<void>
  decline(reason: string): Promise<void>
  go(screen: 'Requests' | 'Keys & tokens' | 'Ceremony' | 'Audit log' | 'Settings'): Promise<void>
}

export function personAt(page: Page): Person {
  const button = (name: string | RegExp) => page.getByRole('button', { name })
  const field = (name: string | RegExp) => page.getByRole('textbox', { name })
  const go: Person['go'] = async (screen) => {
    await page
      .getByRole('navigation', { name: 'Screens' })
      .getByRole('button', { name: new RegExp(`^${screen.replace('&', '.')}`) })
      .click()
    await expect(page.getByRole('heading', { level: 1, name: screen })).toBeVisible()
  }
  return {
    go,
    async createStation({ station, operator }) {
      await field('Name of the station').fill(station)
      await field('Your name').fill(operator)
      await button('Create the station').click()
      await expect(page.getByRole('heading', { level: 1, name: 'Requests' })).toBeVisible()
    },
    async setServer({ apiUrl, caPem }, module) {
      await go('Settings')
      await field('Address of the API').fill(apiUrl)
      await field('Certificate authority (PEM)').fill(caPem)
      if (module !== null) {
        await button('Add a module').click()
        await field('Module 1').fill(module)
      }
      await button('Save').click()
      await expect(page.getByText('All saved.')).toBeVisible()
    },
    async enrol() {
      await go('Settings')
      await button('Enrol this station').click()
      await expect(
        page
          .getByRole('group', { name: 'Enrolment' })
          .getByText(/Enrolled|Waiting/)
          .first(),
      ).toBeVisible()
    },
    async registerKey({ description, production, pin, index = 0 }) {
      await go('Keys & tokens')
      await button(/^Register/)
        .nth(index)
        .click()
      await field('Description').fill(description)
      await page
        .getByText(production ? 'Production' : 'Test', { exact: true })
        .first()
        .click()
      await button('Continue to the PIN …').click()
      await page.getByLabel(/^PIN of/).fill(pin)
      await button('Register the key').click()
      await expect(page.getByRole('alertdialog')).toHaveCount(0)
      await expect(page.getByText(description).first()).toBeVisible()
    },
    async makeSoftwareKey(description) {
      await go('Keys & tokens')
      await button('Make a software test key …').click()
      await field('Description').fill(description)
      await button('Make the test key').click()
      await expect(page.getByRole('dialog')).toHaveCount(0)
      await expect(page.getByText(description).first()).toBeVisible()
    },
    async setDuty(onDuty) {
      const [from, action] = onDuty ? (['Off duty', 'Go on duty'] as const) : (['On duty', 'Go off duty'] as const)
      await button(from).click()
      await page.getByRole('dialog').getByRole('button', { name: action }).click()
      await expect(button(onDuty ? 'On duty' : 'Off duty')).toBeVisible()
    },
    async openFirst() {
      await go('Requests')
      const list = page.getByRole('grid', { name: 'Requests in hand' })
      // Each file is inspected in a process of its own: 200 of them take minutes on a machine that is busy.
      await expect(list.getByText('To review').first()).toBeVisible({ timeout: 180_000 })
      await list.getByRole('row').nth(1).click()
      await expect(page.getByRole('heading', { name: 'Decision' })).toBeVisible()
    },
    async approve(pin) {
      for (const box of await page.getByRole('group', { name: 'To be acknowledged' }).getByRole('checkbox').all())
        await box.check({ force: true })
      await button('Approve …').click()
      if (pin !== null) await page.getByLabel(/^PIN of/).fill(pin)
      await page
        .getByRole('alertdialog')
        .getByRole('button', { name: /^Sign \d/ })
        .click()
      await expect(page.getByRole('alertdialog')).toHaveCount(0)
    },
    async decline(reason) {
      await button('Decline …').click()
      await field(/^Reason/).fill(reason)
      await page.getByRole('alertdialog').getByRole('button', { name: 'Decline', exact: true }).click()
      await expect(page.getByRole('alertdialog')).toHaveCount(0)
    },
  }
}

/** From an empty profile to "on duty", by hand. */
export async function setUpByHand(page: Page, person: Person, bench: Workbench): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: 'Create this station' })).toBeVisible()
  await person.createStation({ station: 'desk.example.org', operator: 'Release Manager' })
  await person.setServer(bench.server, bench.tokens.module)
  await person.enrol()
  bench.server.enableWorker()
  for (const [index] of bench.keys.entries()) {
    // Those that are registered have lost their button.
    await person.registerKey({
      description: index === 0 ? 'Secure Boot signer 2026' : `Secure Boot signer ${index + 1}`,
      production: index === 0,
      pin: bench.pin,
    })
  }
  await person.setDuty(true)
}
