import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

async function open(page: Page, scenario: string): Promise<void> {
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=waiting&theme=light`)
  await page.locator('h1').first().waitFor()
}

test('a question is read, answered with a comment, and what became of it is said', async ({ page }) => {
  await open(page, 'waiting')
  await expect(page.getByRole('tab', { name: /Waiting for you/ })).toContainText('2')
  const card = page.getByRole('listitem', { name: 'Confirm the upload to the archive' })
  await expect(card).toContainText('Refusing aborts the whole workflow.')
  await expect(card).toContainText('Workflow sid-upload (#10400): linux_6.18.1-1 → sid')
  await card.getByRole('button', { name: 'Refuse: Do not publish' }).press('Enter')
  const dialog = page.getByRole('alertdialog', { name: 'Refuse this?' })
  await expect(dialog).toContainText('It cannot be taken back.')
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  expect(violations.map(({ id }) => id)).toEqual([])
  await dialog.getByRole('textbox').fill('  Wrong suite.  ')
  await dialog.getByRole('button', { name: 'Refuse' }).press('Enter')
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('alert')).toContainText('The server took the refusal.')
  const sent = await page.evaluate(() => window.fakeStation?.calls.find(({ name }) => name === 'waitingAnswer')?.input)
  expect(sent).toEqual({
    workRequestId: 10_404,
    confirm: false,
    comment: 'Wrong suite.',
    words: { confirmLabel: 'Publish it', denyLabel: 'Do not publish', denyAction: 'abort-workflow' },
  })
})

test('what is open, in hand or decided is not answered again, and words that write backwards are seen', async ({
  page,
}) => {
  await open(page, 'waiting')
  await expect(page.getByRole('button', { name: 'Open the review' })).toHaveCount(1)
  await expect(page.getByRole('button', { name: 'Take to review …' }).nth(1)).toBeDisabled()
  const unsettled = page.getByRole('listitem', { name: 'A question waits for an answer' })
  await expect(unsettled).toContainText('Zoë answered yes, and it is not known whether that arrived.')
  await expect(unsettled.getByRole('button').first()).toBeDisabled()
  await expect(unsettled).toContainText('202E')
  await page.getByRole('button', { name: 'Take to review …' }).first().click()
  await expect(page.getByRole('dialog', { name: 'Take this upload to review?' })).toContainText(
    'No active key for OpenPGP is registered here.',
  )
})

test('without a token of the user nothing is asked', async ({ page }) => {
  await open(page, 'new')
  await expect(page.getByText('What waits for you is not visible')).toBeVisible()
  expect(await page.evaluate(() => window.fakeStation?.calls.filter(({ name }) => name === 'waitingList').length)).toBe(
    0,
  )
})
