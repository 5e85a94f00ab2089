import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, type Page } from '@playwright/test'
import { canonicalText } from '../src/main/canonical/canonical-json.ts'
import { acceptedByOsslsigncode, padded } from '../src/main/signing/pe/testing/reference-tools.ts'
import { test as base } from './harness/fixtures.ts'
import { type Bed, type Release, seed, testbed, up } from './real-server/testbed.ts'
import { type Person, personAt } from './workbench/person.ts'
import { fingerprintOf, makeToken, type TokenBench } from './workbench/token-bench.ts'

// The whole station against real debusine servers of both releases (`npm run test:debusine`): a person at the real window enrols it,
// approves and declines, and what the server holds afterwards is compared with what debusine's own worker produces.

const test = base.extend<{ bench: TokenBench; stationEnv: Record<string, string> }>({
  bench: async ({ folders }, use) => {
    await use(await makeToken({ folders, keys: [{ algorithm: 'rsa-2048', commonName: 'Real server test key' }] }))
  },
  stationEnv: async ({ bench }, use) => {
    await use({ ...bench.env })
  },
})

test.skip(process.env['STATION_REAL_SERVER'] !== '1', 'needs real debusine servers: npm run test:debusine')
test.describe.configure({ mode: 'serial', timeout: 900_000 })

interface Ended {
  readonly status: string
  readonly result: string
  readonly artifacts: readonly {
    readonly category: string
    readonly data: Record<string, unknown>
    readonly files: Readonly<Record<string, { readonly size: number; readonly base64?: string }>>
    readonly relations: readonly { readonly type: string; readonly target: number }[]
  }[]
}

async function workRequest(release: Release, id: number): Promise<Ended> {
  const answer: unknown = JSON.parse(await testbed(release, 'work-request', String(id)))
  return (Array.isArray(answer) ? answer[0] : answer) as Ended // our own script
}

/** What the server keeps of our completion; its API does not give it back. */
function recordedErrors(release: Release, id: number): Promise<string> {
  const query = `select output_data->'errors' from db_workrequest where id = ${id}`
  return testbed(release, 'exec', 'runuser', '-u', 'postgres', '--', 'psql', '-d', 'debusine', '-Atc', query)
}

async function completed(release: Release, id: number): Promise<Ended> {
  await expect
    .poll(async () => (await workRequest(release, id)).status, { timeout: 60_000, intervals: [1000] })
    .toBe('completed')
  return workRequest(release, id)
}

/** Enrols by hand: with an activation token where the server has them, else through the administrator. */
async function enrol(page: Page, person: Person, release: Release, bed: Bed, bench: TokenBench): Promise<string> {
  const fqdn = `window-${randomBytes(3).toString('hex')}.example.org`
  await person.createStation({ station: fqdn, operator: 'Release Manager' })
  await person.setServer({ apiUrl: bed.api_url, caPem: readFileSync(bed.ca_file, 'utf8') }, bench.tokens.module)
  // This server's own list of trusted certificates, as an installation would copy it.
  await page.getByLabel('SHA-256 fingerprints, one a line').fill(bed.trusted_certs.join('\n'))
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('All saved.')).toBeVisible()
  if (release === 'backports') {
    const made = await testbed(release, 'admin', 'worker', 'create', '--worker-type', 'signing', fqdn)
    const token = /[0-9a-f]{64}/.exec(made)?.[0]
    expect(token, made).toBeDefined()
    await page.getByLabel('Activation token').fill(token ?? '')
  }
  await person.enrol()
  if (release === 'stable') await testbed(release, 'enable-worker', fqdn.replaceAll('.', '-'))
  return fqdn
}

async function addKey(release: Release, certificatePem: string): Promise<void> {
  const run = promisify(execFile)
  const script = join(import.meta.dirname, 'real-server', 'testbed', 'testbed')
  const child = run(script, ['add-key', 'uefi', 'Window test key'], {
    env: { ...process.env, DEBUSINE_TESTBED_RELEASE: release },
  })
  child.child.stdin?.end(certificatePem)
  await child
}

for (const release of ['stable', 'backports'] as const) {
  test(`a person approves and declines at the real debusine server of Debian ${release}`, async ({
    page,
    bench,
    folders,
    windowKind,
  }) => {
    test.skip(windowKind !== 'chromium', 'one window is enough for a server')
    const bed = await up(release)
    const person = personAt(page)
    const [key] = bench.keys
    if (key === undefined) throw new Error('the token has no key')
    await addKey(release, key.certificatePem)
    await enrol(page, person, release, bed, bench)
    await person.registerKey({ description: 'Real server test key', production: false, pin: bench.pin })
    await person.setDuty(true)

    // Signed.
    const fine = await seed(release, 'sign-uefi', `--key=${key.fingerprint}`)
    await person.openFirst()
    await person.approve(bench.pin)
    const ours = await completed(release, fine.work_request_id)
    expect(ours).toMatchObject({ status: 'completed', result: 'success' })
    judge(ours, bed, key.certificatePem, folders.base)

    // Refused by our list, refused by the server: shown, not approvable, declined with a reason that the server keeps.
    for (const scenario of ['sign-untrusted-cert', 'sign-no-permission']) {
      const refused = await seed(release, scenario, `--key=${key.fingerprint}`)
      await person.openFirst()
      await expect(page.getByRole('button', { name: 'Approve …' })).toHaveCount(0)
      const reason = `Declined in a test: ${scenario}`
      await person.decline(reason)
      const ended = await completed(release, refused.work_request_id)
      expect(ended).toMatchObject({ status: 'completed', result: 'failure' })
      expect(await recordedErrors(release, refused.work_request_id)).toContain(reason)
      expect(ended.artifacts.map((artifact) => artifact.category)).toEqual(['debusine:work-request-debug-logs'])
    }
    await person.setDuty(false)

    // The same input, given to debusine's own worker.
    const reference = await seed(release, 'sign-uefi')
    await testbed(release, 'reference-sign', String(reference.work_request_id))
    const theirs = await completed(release, reference.work_request_id)
    const table = compare(ours, theirs)
    await test.info().attach(`fields-${release}.txt`, {
      body: table.map(([field, a, b]) => `${field}\n  station:   ${a}\n  debusine:  ${b}`).join('\n'),
      contentType: 'text/plain',
    })
    for (const [field, a, b] of table) expect(a, field).toBe(b)
  })
}

/** Attached by sbattach, then sbverify and osslsigncode. */
function judge(ended: Ended, bed: Bed, certificatePem: string, folder: string): void {
  const output = ended.artifacts.find((artifact) => artifact.category === 'debusine:signing-output')
  const [[path, file] = ['', undefined]] = Object.entries(output?.files ?? {})
  expect(path.endsWith('.efi.sig')).toBe(true)
  const [image, signature, certificate, attached] = ['image.efi', 'image.sig', 'signer.pem', 'attached.efi'].map(
    (name) => join(folder, name),
  )
  if (image === undefined || signature === undefined || certificate === undefined || attached === undefined)
    throw new Error('no folder')
  copyFileSync(join(bed.chroot, 'usr/lib/testbed/systemd-bootx64.efi'), image)
  writeFileSync(signature, Buffer.from(file?.base64 ?? '', 'base64'))
  writeFileSync(certificate, certificatePem)
  const run = (program: string, ...args: string[]) =>
    execFileSync(`/usr/bin/${program}`, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  copyFileSync(image, attached)
  run('sbattach', '--attach', signature, attached)
  expect(run('sbverify', '--cert', certificate, attached)).toContain('Signature verification OK')
  copyFileSync(image, attached)
  writeFileSync(signature, padded(readFileSync(signature)))
  run('sbattach', '--attach', signature, attached)
  expect(acceptedByOsslsigncode(attached, certificate)).toBe(true)
  expect(fingerprintOf(certificatePem)).toBe(output?.data['fingerprint'])
}

/** What is equal whatever the key: every field of the work request, its artifacts and relations, by name and by value. */
function compare(ours: Ended, theirs: Ended): readonly (readonly [field: string, ours: string, theirs: string])[] {
  const flat = (ended: Ended): Map<string, string> => {
    const fields = new Map<string, string>()
    fields.set('status', ended.status)
    fields.set('result', ended.result)
    const output = ended.artifacts.find((artifact) => artifact.category === 'debusine:signing-output')
    const logs = ended.artifacts.find((artifact) => artifact.category === 'debusine:work-request-debug-logs')
    fields.set('artifacts, in order', ended.artifacts.map((artifact) => artifact.category).join(' '))
    for (const [name, value] of Object.entries(output?.data ?? {})) {
      // Each key has its own; what it looks like is compared.
      fields.set(
        `signing-output data.${name}`,
        name === 'fingerprint' ? String(value).replaceAll(/[0-9A-F]/g, 'F') : canonicalText(value),
      )
    }
    fields.set('signing-output files', Object.keys(output?.files ?? {}).join(' '))
    fields.set('signing-output relations', (output?.relations ?? []).map((relation) => relation.type).join(' '))
    fields.set('debug-logs data', JSON.stringify(logs?.data))
    fields.set('debug-logs relations', (logs?.relations ?? []).map((relation) => relation.type).join(' '))
    return fields
  }
  const [mine, other] = [flat(ours), flat(theirs)]
  return [...new Set([...mine.keys(), ...other.keys()])].map(
    (field) => [field, mine.get(field) ?? 'absent', other.get(field) ?? 'absent'] as const,
  )
}
