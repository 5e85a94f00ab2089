import { renameSync } from 'node:fs'
import { expect, type Page } from '@playwright/test'
import { softHsmModule } from '../src/main/token/testing/soft-token.ts'
import { test as base } from './harness/fixtures.ts'
import { buildPe } from './workbench/pe-files.ts'
import { personAt, setUpByHand } from './workbench/person.ts'
import { makeWorkbench, type Workbench } from './workbench/workbench.ts'

// A token that is taken away and brought back while the server has work for it.

const test = base.extend<{ bench: Workbench; stationEnv: Record<string, string> }>({
  bench: async ({ folders }, use) => {
    base.skip(softHsmModule() === null, 'SoftHSM is not installed')
    const bench = await makeWorkbench({ folders })
    await use(bench)
    await bench.stop()
  },
  stationEnv: async ({ bench }, use) => {
    await use({ ...bench.env })
  },
})

test('work waits at the server without the token, and in the window for the token', async ({
  page,
  bench,
}, testInfo) => {
  const person = personAt(page)
  await setUpByHand(page, person, bench)
  const fingerprint = bench.keys[0]?.fingerprint ?? ''
  const ask = (seed: number) =>
    bench.server.addSignRequest({
      fingerprint,
      files: [{ name: 'example/a.efi', bytes: buildPe(seed) }],
      binaryPackage: { name: 'example', source: 'example', architecture: 'amd64', version: '1.0' },
      trustedCerts: [],
    })
  const told = () => {
    const last = (bench.server.record.metadata.at(-1)?.value ?? {}) as Readonly<Record<string, unknown>> // an object, or it was refused
    return [last['provided_tags'], last['signing-station:usable-keys']]
  }
  const { tokenFolder } = bench.tokens
  const [away, back] = [
    [[], []],
    [['worker:cap:sbsign', 'worker:task:signing:sign:version:1'], [`uefi:${fingerprint}`]],
  ]
  await expect.poll(told).toEqual(back)

  const first = await ask(1)
  await person.openFirst()
  renameSync(tokenFolder, `${tokenFolder}.away`)
  await readTokens(page)
  const withdrawn = Date.now()
  await expect.poll(told, { intervals: [100] }).toEqual(away)
  testInfo.annotations.push({ type: 'figure', description: `withdrawn after ${Date.now() - withdrawn} ms` })

  // Held already: it says what it waits for.
  await person.openFirst()
  await page.getByRole('button', { name: 'Check again' }).click()
  await expect(page.getByText('Its key cannot be used now')).toBeVisible()
  await expect(page.getByText(/Insert the token \(SoftHSM v2, serial/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Approve …' })).toHaveCount(0)
  await person.go('Requests')
  await expect(page.getByRole('grid', { name: 'Requests in hand' }).getByText('Waits for its key')).toBeVisible()

  renameSync(`${tokenFolder}.away`, tokenFolder)
  await readTokens(page)
  const returned = Date.now()
  await expect.poll(told, { intervals: [100] }).toEqual(back)
  testInfo.annotations.push({ type: 'figure', description: `offered again after ${Date.now() - returned} ms` })
  await person.go('Requests')
  await expect(page.getByText('Waits for its key')).toHaveCount(0)
  expect(bench.server.workRequest(first)?.status).toBe('running')
  await person.openFirst()
  await person.approve(bench.pin)
  await expect.poll(() => bench.server.workRequest(first)?.result).toBe('success')

  // One that waits again is declined with the reason that the station knows.
  const second = await ask(2)
  await person.openFirst()
  renameSync(tokenFolder, `${tokenFolder}.away`)
  await readTokens(page)
  await person.openFirst()
  await page.getByRole('button', { name: 'Check again' }).click()
  await page.getByRole('button', { name: 'Decline because of the key …' }).click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog.getByRole('textbox', { name: /^Reason/ })).toHaveValue(new RegExp(fingerprint))
  await dialog.getByRole('button', { name: 'Decline', exact: true }).click()
  await expect.poll(() => bench.server.workRequest(second)?.result).toBe('failure')
  expect(JSON.stringify(bench.server.record.completions.at(-1)?.outputData)).toContain(
    'cannot be used at this station now',
  )

  // Nobody is given what nobody can sign.
  const third = await ask(3)
  expect(bench.server.workRequest(third)).toMatchObject({ status: 'pending', worker: null })
  expect(bench.server.record.violations).toEqual([])
})

async function readTokens(page: Page): Promise<void> {
  await personAt(page).go('Keys & tokens')
  await page.getByRole('button', { name: 'Read tokens again' }).click()
}
