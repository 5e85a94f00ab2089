import { expect, type Locator, type Page } from '@playwright/test'
import type { StationFolders } from '../harness/station-process.ts'
import { copyCheckpointsElsewhere } from './checkpoint-copies.ts'
import type { Person } from './person.ts'

/** The screens of the log, in the order in which `showLogScreens` comes past them. */
export const logScreenNames = [
  'audit',
  'audit-verified',
  'audit-report',
  'audit-checkpoint',
  'audit-entry',
  'audit-export',
  'audit-exported',
  'other-logs',
  'log-review',
] as const

interface LogTour {
  readonly page: Page
  readonly person: Person
  readonly show: (name: (typeof logScreenNames)[number]) => Promise<void>
  readonly button: (name: string | RegExp) => Locator
  readonly folders: StationFolders
}

/** From the log of a station that has signed to its own export under review. */
export async function showLogScreens({ page, person, show, button, folders }: LogTour): Promise<void> {
  await person.go('Audit log')
  await expect(page.getByRole('grid', { name: 'Audit log' }).getByRole('row').nth(3)).toBeVisible()
  await show('audit')
  await copyCheckpointsElsewhere(page, folders)
  await button('Verify now').click()
  await expect(page.getByText(/^Verified: \d+ entries$/)).toBeVisible()
  await show('audit-verified')
  await button('Report …').click()
  await expect(page.getByRole('heading', { level: 2, name: 'Entries' })).toBeVisible()
  await show('audit-report')
  await button('Back to the log').click()
  await button('Put away').click()
  await button('Checkpoint and key …').click()
  await expect(page.getByRole('dialog').locator('pre')).toHaveCount(2)
  await show('audit-checkpoint')
  await button('Close').click()
  await page.getByLabel('Event').selectOption({ label: 'Signed' })
  await page.getByRole('grid', { name: 'Audit log' }).getByRole('row').nth(2).click()
  await expect(page.getByText(/^c2sp\.org\/tlog-proof@v1/)).toBeVisible()
  await show('audit-entry')
  await otherLogs({ page, show, button })
}

/** The export of this station's own log, as an auditor sees it. */
async function otherLogs({ page, show, button }: Omit<LogTour, 'person' | 'folders'>): Promise<void> {
  await page.getByRole('button', { name: 'Show all' }).click()
  await button('Export …').click()
  await show('audit-export')
  await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click()
  await expect(page.getByText(/^Exported: \d+ entries/)).toBeVisible()
  await show('audit-exported')
  await button('Put away').click()
  await button('Other logs …').click()
  await page.getByRole('radio').first().check({ force: true })
  await show('other-logs')
  await button('Open and verify').click()
  await expect(page.getByRole('heading', { level: 1, name: 'Log under review' })).toBeVisible()
  await show('log-review')
  await button('Close this log').click()
}
