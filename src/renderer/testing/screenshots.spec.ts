import { test } from '@playwright/test'

/** Pictures of every screen for the eye, not for comparison: `GALLERY_SHOTS=folder playwright test --config src/renderer/testing screenshots`. */
declare const process: { readonly env: Readonly<Record<string, string | undefined>> }
const folder = process.env['GALLERY_SHOTS']
const only = process.env['GALLERY_ONLY']?.split(',')

const shots: readonly (readonly [scenario: string, place: string])[] = [
  ['absent', 'requests'],
  ['new', 'requests'],
  ['to-enrol', 'settings'],
  ['empty', 'requests'],
  ['ten-thousand', 'requests'],
  ['fine', 'done'],
  ['next', 'next'],
  ['new', 'next'],
  ['fine', 'request'],
  ['rich', 'request'],
  ['untrusted-certificate', 'request'],
  ['certificates-not-declared', 'request'],
  ['no-permission', 'request'],
  ['permission-unknown', 'request'],
  ['unknown-key', 'request'],
  ['token-absent', 'request'],
  ['malformed', 'request'],
  ['blind', 'request'],
  ['forty-files', 'request'],
  ['two-hundred-files', 'request'],
  ['hostile', 'request'],
  ['hostile', 'requests'],
  ['test-key', 'request'],
  ['preparing', 'request'],
  ['unprepared', 'request'],
  ['signing', 'request'],
  ['interrupted', 'request'],
  ['incident', 'request'],
  ['returning', 'request'],
  ['signed', 'request'],
  ['partly-signed', 'request'],
  ['declined', 'request'],
  ['several-two-tokens', 'request'],
  ['several-software', 'request'],
  ['several-three', 'request'],
  ['several-eight', 'request'],
  ['several-not-allowed', 'request'],
  ['several-waits', 'request'],
  ['several-signing', 'request'],
  ['several-interrupted', 'request'],
  ['several-incident', 'request'],
  ['several-signed', 'request'],
  ['several-failed', 'request'],
  ['several-log', 'audit'],
  ['fine', 'keys'],
  ['unregistered-token', 'keys'],
  ['keys-begun', 'keys'],
  ['key-request', 'request'],
  ['key-request-made', 'request'],
  ['key-request-incident', 'request'],
  ['module-broken', 'keys'],
  ['token-not-shown', 'keys'],
  ['new', 'keys'],
  ['fine', 'ceremony'],
  ['ceremony-open', 'ceremony'],
  ['ceremony-words', 'ceremony'],
  ['ceremony-key', 'ceremony'],
  ['ceremony-sealed', 'ceremony'],
  ['fine', 'audit'],
  ['fine', 'entry'],
  ['log-broken', 'audit'],
  ['no-log-key', 'audit'],
  ['folder-unplugged', 'audit'],
  ['verifying', 'audit'],
  ['foreign-log', 'foreign'],
  ['foreign-tampered', 'foreign'],
  ['fine', 'settings'],
  ['new', 'settings'],
  ['server-gone', 'next'],
  ['status-fails', 'requests'],
]

/** Dialogs, opened by a button of their page. */
const dialogs: readonly (readonly [scenario: string, place: string, button: string])[] = [
  ['fine', 'request', 'Approve …'],
  ['last-try', 'request', 'Approve …'],
  ['test-key', 'request', 'Approve …'],
  ['several-one-token', 'request', 'Approve …'],
  ['several-two-tokens', 'request', 'Approve …'],
  ['several-software', 'request', 'Approve …'],
  ['several-eight', 'request', 'Approve …'],
  ['several-token-gone', 'request', 'Approve …'],
  ['several-locked', 'request', 'Approve …'],
  ['several-last-try', 'request', 'Approve …'],
  ['several-interrupted-three', 'request', 'Go on …'],
]

for (const [scenario, place, button] of dialogs) {
  for (const [theme, width, height] of [
    ['light', 1400, 900],
    ['dark', 1400, 900],
    ['light', 900, 700],
  ] as const) {
    test(`${scenario} ${place} ${button} ${theme} ${width}`, async ({ page }) => {
      test.skip(folder === undefined, 'pictures are made only where GALLERY_SHOTS names a folder')
      test.skip(only !== undefined && !only.includes(scenario), 'GALLERY_ONLY names other scenarios')
      await page.clock.setFixedTime(new Date('2026-11-20T10:48:00.000Z'))
      await page.emulateMedia({ colorScheme: theme })
      await page.setViewportSize({ width, height })
      await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}&theme=${theme}`)
      await page.getByRole('button', { name: button }).click()
      await page.getByRole('alertdialog').waitFor()
      await page.screenshot({ path: `${folder}/dialog-${scenario}-${theme}-${width}.png` })
    })
  }
}

for (const [scenario, place] of shots) {
  for (const [theme, width, height] of [
    ['light', 1400, 900],
    ['dark', 1400, 900],
    ['light', 1100, 750],
    ['light', 900, 700],
  ] as const) {
    test(`${scenario} ${place} ${theme} ${width}`, async ({ page }, info) => {
      test.skip(folder === undefined, 'pictures are made only where GALLERY_SHOTS names a folder')
      test.skip(only !== undefined && !only.includes(scenario), 'GALLERY_ONLY names other scenarios')
      await page.clock.setFixedTime(new Date('2026-11-20T10:48:00.000Z'))
      await page.emulateMedia({ colorScheme: theme })
      await page.setViewportSize({ width, height })
      await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}&theme=${theme}`)
      await page.locator('h1').first().waitFor()
      info.annotations.push({ type: 'picture', description: `${folder}/${place}-${scenario}-${theme}-${width}.png` })
      await page.waitForLoadState('networkidle')
      await page.screenshot({ path: `${folder}/${place}-${scenario}-${theme}-${width}.png` })
    })
  }
}
