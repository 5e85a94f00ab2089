import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import { test as base } from './harness/fixtures.ts'
import { buildPe } from './workbench/pe-files.ts'
import { personAt, setUpByHand } from './workbench/person.ts'
import { makeWorkbench, type Workbench } from './workbench/workbench.ts'

const test = base.extend<{ bench: Workbench; stationEnv: Record<string, string> }>({
  bench: async ({ folders }, use) => {
    const bench = await makeWorkbench({ folders })
    await use(bench)
    await bench.stop()
  },
  stationEnv: async ({ bench }, use) => {
    await use({ ...bench.env })
  },
})

test('a request goes from the server over the sheet and the token back to the server, by hand', async ({
  page,
  bench,
  folders,
}) => {
  const person = personAt(page)
  await setUpByHand(page, person, bench)
  const [key] = bench.keys
  const images = [buildPe(1), buildPe(2)]
  const id = await bench.server.addSignRequest({
    fingerprint: key?.fingerprint ?? '',
    files: images.map((bytes, index) => ({ name: `example/usr/lib/example-${index}.efi`, bytes })),
    binaryPackage: { name: 'example', source: 'example', architecture: 'amd64', version: '1.0' },
    trustedCerts: [],
  })
  await person.openFirst()
  await expect(page.getByText('example 1.0').first()).toBeVisible()
  await person.approve(bench.pin)
  await expect.poll(() => bench.server.workRequest(id)?.status).toBe('completed')
  expect(bench.server.workRequest(id)?.result).toBe('success')
  await expect(page.getByText('Signed', { exact: true }).first()).toBeVisible()

  // What the server holds now, judged by a tool that shares nothing with the station.
  const outputs = await bench.server.outputs(id)
  const signed = outputs.find((output) => output.category === 'debusine:signing-output')
  expect(signed?.files.map((file) => file.path)).toEqual([
    'example/usr/lib/example-0.efi.sig',
    'example/usr/lib/example-1.efi.sig',
  ])
  const certificate = join(folders.base, 'signer.pem')
  writeFileSync(certificate, key?.certificatePem ?? '')
  for (const [index, image] of images.entries()) {
    const [file, signature] = [join(folders.base, `${index}.efi`), join(folders.base, `${index}.sig`)]
    writeFileSync(file, image)
    writeFileSync(signature, signed?.files[index]?.bytes ?? Buffer.alloc(0))
    expect(
      execFileSync('/usr/bin/sbverify', ['--cert', certificate, '--detached', signature, file], { encoding: 'utf8' }),
    ).toContain('Signature verification OK')
  }
  expect(bench.server.record.violations).toEqual([])

  await person.go('Audit log')
  const log = page.getByRole('grid', { name: /audit|entries|log/i })
  for (const event of ['Signed', 'Approved', 'Sheet'])
    await expect(log.getByText(new RegExp(event)).first()).toBeVisible()
})

test('a request that trusts an unknown certificate is shown, cannot be approved, and is declined', async ({
  page,
  bench,
}) => {
  const person = personAt(page)
  await setUpByHand(page, person, bench)
  const id = await bench.server.addSignRequest({
    fingerprint: bench.keys[0]?.fingerprint ?? '',
    files: [{ name: 'example/shim.efi', bytes: buildPe(3) }],
    binaryPackageName: 'example',
    trustedCerts: ['DEADBEEF'.repeat(8)],
  })
  await person.openFirst()
  await expect(page.getByRole('button', { name: 'Approve …' })).toHaveCount(0)
  await expect(page.getByText(/not on this station.s list/).first()).toBeVisible()
  await person.decline('This shim trusts a certificate that is not ours.')
  await expect.poll(() => bench.server.workRequest(id)?.status).toBe('completed')
  expect(bench.server.workRequest(id)).toMatchObject({ result: 'failure' })
  expect(JSON.stringify(bench.server.workRequest(id)?.outputData)).toContain(
    'This shim trusts a certificate that is not ours.',
  )
  expect((await bench.server.outputs(id)).filter((output) => output.category === 'debusine:signing-output')).toEqual([])
})

test('a request whose creator may not sign is shown, cannot be approved, and is declined', async ({ page, bench }) => {
  const person = personAt(page)
  await setUpByHand(page, person, bench)
  const id = await bench.server.addSignRequest({
    fingerprint: bench.keys[0]?.fingerprint ?? '',
    files: [{ name: 'example/shim.efi', bytes: buildPe(3) }],
    binaryPackageName: 'example',
    trustedCerts: [],
    allowed: false,
  })
  await person.openFirst()
  await expect(page.getByRole('button', { name: 'Approve …' })).toHaveCount(0)
  await expect(page.getByText(/The server says no/).first()).toBeVisible()
  await person.decline('Not allowed.')
  await expect.poll(() => bench.server.workRequest(id)?.result).toBe('failure')
})
