import type { Page } from '@playwright/test'
import { defaultPin } from '../devices/yubihsm/testing/yubihsm-bench.ts'
import { attach } from '../harness/fixtures.ts'
import { makeFolders, removeFolders, startStation } from '../harness/station-process.ts'
import { makeCeremonyDesk } from './ceremony-desk.ts'
import { peopleAt, setUpForCeremony } from './ceremony-person.ts'

/** One step of a key ceremony: a digest that is read aloud and compared. A string: why there is none on this machine. */
export async function showCeremonyStep(visit: (name: 'ceremony', page: Page) => Promise<void>): Promise<string | null> {
  const folders = makeFolders()
  try {
    const desk = await makeCeremonyDesk(folders)
    if (typeof desk === 'string') return desk
    const station = startStation({ window: 'chromium', folders, env: desk.env, within: desk.vendor.within })
    try {
      const { page } = await attach(station)
      await page.setViewportSize({ width: 1400, height: 900 })
      await setUpForCeremony(page, { module: desk.vendor.module, roots: desk.roots, device: 'yubihsm' })
      await page.reload()
      await page.getByRole('button', { name: /^Ceremony/ }).click()
      const people = peopleAt(page, { pin: defaultPin, managementKey: null, serials: desk.serials })
      await people.begin('New UEFI key on a YubiHSM, with a wrapped backup', {
        'Organisation in the certificate': 'Example',
      })
      await people.until('The certificate, in words')
      const start = page.locator('.ceremony-step').getByRole('button', { name: 'Begin this step' })
      if (await start.isVisible()) await start.click()
      await page.locator('.ceremony-step').evaluate((step) => step.scrollIntoView({ block: 'start' }))
      await visit('ceremony', page)
      return null
    } finally {
      station.kill('SIGTERM')
      await station.exit
      await desk.stop()
    }
  } finally {
    removeFolders(folders)
  }
}
