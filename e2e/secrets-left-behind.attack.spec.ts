import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import BetterSqlite3 from 'better-sqlite3'
import { unseal } from '../src/main/keys/software/sealed-box.ts'
import { ReaderRoom, whyNoReader } from './devices/reader.ts'
import { makeCard, withChip } from './devices/yubikey/card.ts'
import { spkiOf } from './devices/yubikey/card-key.ts'
import { pinBytes } from './devices/yubikey/testing/card-talk.ts'
import { certificateFor, withKeys } from './devices/yubikey/testing/given-key.ts'
import { installedYkcs11 } from './devices/yubikey/testing/vendor-modules.ts'
import { VirtualYubiKey } from './devices/yubikey/virtual-yubikey.ts'
import { test as base, type StationApp } from './harness/fixtures.ts'
import { processTree } from './harness/process-tree.ts'
import { buildPe } from './workbench/pe-files.ts'
import { personAt } from './workbench/person.ts'
import { fingerprintOf } from './workbench/token-bench.ts'
import { type TokenHold, tokenHold } from './workbench/token-hold.ts'
import { filesWith, formsOf, heapOfPage, memoryHolds, processesWith, temporaryFilesWith } from './workbench/traces.ts'
import { makeWorkbench, type Workbench } from './workbench/workbench.ts'

// Secrets that nobody else has are typed and used, and then everything is searched for them (docs/traps.md). What has to be found, so
// that the search is one, is a description that is typed in the same way.

const marker = `q${randomBytes(7).toString('hex')}`
const secret = { right: `${marker}-right`, wrong: `${marker}-wrong`, dropped: `${marker}-dropped` }
/** A YubiKey's has eight characters at most. */
const yubiKeySecret = { right: `k${randomBytes(3).toString('hex')}z`, wrong: `w${randomBytes(3).toString('hex')}z` }
const harmless = `c${randomBytes(7).toString('hex')}`

/** What was seen of the station from inside: a folder that it can write to, and that is not one of its own. */
interface Seen {
  readonly record: string
  readonly heap: string
}

/** A YubiKey in a reader that the station sees, with a key in 9A. */
interface PluggedKey {
  readonly room: ReaderRoom
  readonly module: string
  readonly certificatePem: string
}

async function plugKey(): Promise<PluggedKey | string> {
  const module = installedYkcs11()
  const why = whyNoReader() ?? (module === null ? 'the Debian package ykcs11 is not installed' : null)
  if (why !== null || module === null) return why ?? ''
  const card = withKeys(makeCard(), [{ slot: 0x9a, algorithm: 'rsa-2048', commonName: 'A YubiKey’s signer' }])
  const key = new VirtualYubiKey({
    made: withChip(card, { pin: { ...card.chip.pin, value: pinBytes(yubiKeySecret.right) } }),
  })
  const room = await ReaderRoom.open()
  await room.plug(key, 0)
  const stored = card.chip.keys.get(0x9a)
  if (stored === undefined) throw new Error('the card has no key')
  const der = certificateFor(spkiOf(stored), 'A YubiKey’s signer')
  return { room, module: module.path, certificatePem: new X509Certificate(der).toString() }
}

const test = base.extend<{
  bench: Workbench
  hold: TokenHold
  seen: Seen
  yubiKey: PluggedKey | string
  stationWithin: readonly string[]
  stationEnv: Record<string, string>
}>({
  // oxlint-disable-next-line no-empty-pattern
  yubiKey: async ({}, use) => {
    const plugged = await plugKey()
    await use(plugged)
    if (typeof plugged !== 'string') await plugged.room.close()
  },
  stationWithin: async ({ yubiKey }, use) => {
    // `true` stands for the command that follows.
    await use(typeof yubiKey === 'string' ? [] : yubiKey.room.inside(['true']).slice(0, -1))
  },
  // Playwright reads which fixtures a fixture needs from its parameter: none.
  // oxlint-disable-next-line no-empty-pattern
  seen: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'seen-'))
    chmodSync(folder, 0o777)
    await use({ record: join(folder, 'record'), heap: join(folder, 'heap') })
    rmSync(folder, { recursive: true })
  },
  bench: async ({ folders }, use) => {
    const bench = await makeWorkbench({ folders, pin: secret.right })
    await use(bench)
    await bench.stop()
  },
  hold: async ({ folders }, use) => {
    await use(tokenHold(folders))
  },
  stationEnv: async ({ bench, hold, seen }, use) => {
    const inside = join(import.meta.dirname, 'harness', 'look-inside.ts')
    const { NODE_OPTIONS = '', ...env } = hold.env
    // Asked for by whoever starts the station: a report of a fatal error, with stacks and environment.
    const options = `${NODE_OPTIONS} --import=${inside} --report-on-fatalerror --report-uncaught-exception`
    const inspection = { STATION_TEST_RECORD: seen.record, STATION_TEST_HEAP: seen.heap }
    await use({ ...bench.env, ...env, ...inspection, NODE_OPTIONS: options })
  },
})

/** Key by key: a text that is filled in at once is in the messages of the test itself. */
async function type(page: Page, label: RegExp, text: string): Promise<void> {
  await page.getByLabel(label).click()
  for (const character of text) await page.keyboard.press(character === '-' ? 'Minus' : character)
}
const typePin = (page: Page, pin: string) => type(page, /^PIN of/, pin)
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

async function typeEveryPin(
  page: Page,
  bench: Workbench,
  hold: TokenHold,
  yubiKey: PluggedKey | string,
): Promise<void> {
  const person = personAt(page)
  await person.createStation({ station: 'desk.example.org', operator: 'Release Manager' })
  await person.setServer(bench.server, bench.tokens.module)
  await person.enrol()
  bench.server.enableWorker()

  await person.go('Keys & tokens')
  await button(page, /^Register/)
    .first()
    .click()
  await type(page, /^Description/, harmless)
  await page.getByRole('dialog').getByText('Test', { exact: true }).click()
  await button(page, 'Continue to the PIN …').click()
  await refusedThenRight(page, 'Register the key')

  await person.setDuty(true)
  const fingerprint = bench.keys[0]?.fingerprint ?? ''
  const ask = (count: number) =>
    bench.server.addSignRequest({
      fingerprint,
      files: Array.from({ length: count }, (_, index) => ({ name: `pkg/${index}.efi`, bytes: buildPe(index) })),
      binaryPackageName: 'pkg',
      trustedCerts: [],
    })
  const first = await ask(1)
  await person.openFirst()
  await beginToApprove(page)
  await typePin(page, secret.dropped)
  await button(page, 'Cancel').click()
  await beginToApprove(page)
  await refusedThenRight(page, /^Sign \d/)
  await expect.poll(() => bench.server.workRequest(first)?.status).toBe('completed')

  if (typeof yubiKey !== 'string') await signWithYubiKey(page, bench, yubiKey)

  // The token's process dies while it is logged in to.
  await ask(2)
  await person.openFirst()
  hold.arm(1)
  await beginToApprove(page)
  await typePin(page, secret.right)
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: /^Sign \d/ })
    .click()
  await hold.held()
  hold.crash()
  await expect(page.getByText('A signature is in doubt')).toBeVisible()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
}

async function beginToApprove(page: Page): Promise<void> {
  for (const box of await page.getByRole('group', { name: 'To be acknowledged' }).getByRole('checkbox').all())
    if (!(await box.isChecked())) await box.check({ force: true })
  await button(page, 'Approve …').click()
}

async function refusedThenRight(
  page: Page,
  confirm: string | RegExp,
  typed: { readonly right: string; readonly wrong: string } = secret,
): Promise<void> {
  const dialog = page.getByRole('alertdialog')
  await typePin(page, typed.wrong)
  await dialog.getByRole('button', { name: confirm }).click()
  await expect(page.getByText('The token refused the PIN')).toBeVisible()
  await typePin(page, typed.right)
  await dialog.getByRole('button', { name: confirm }).click()
  await expect(dialog).toHaveCount(0)
}

/** The same for a YubiKey: its own module, its own PIN. */
async function signWithYubiKey(page: Page, bench: Workbench, { module, certificatePem }: PluggedKey): Promise<void> {
  const problem = await page.evaluate(async (path) => {
    const settings = await window.station.settingsGet()
    if (!settings.ok) return settings.error.message
    const modules = [...settings.value.modules, { path, enabled: true }]
    const saved = await window.station.settingsSet({ ...settings.value, modules })
    return saved.ok ? null : saved.error.message
  }, module)
  expect(problem).toBeNull()
  const person = personAt(page)
  await person.go('Keys & tokens')
  const fingerprint = fingerprintOf(certificatePem)
  bench.server.addKey({ purpose: 'uefi', fingerprint, publicKey: certificatePem })
  await button(page, /^Register/)
    .first()
    .click()
  await type(page, /^Description/, 'yubikey')
  await page.getByRole('dialog').getByText('Test', { exact: true }).click()
  await button(page, 'Continue to the PIN …').click()
  await refusedThenRight(page, 'Register the key', yubiKeySecret)
  const work = await bench.server.addSignRequest({
    fingerprint,
    files: [{ name: 'pkg/0.efi', bytes: buildPe(0) }],
    binaryPackageName: 'pkg',
    trustedCerts: [],
  })
  await person.openFirst()
  await beginToApprove(page)
  await refusedThenRight(page, /^Sign \d/, yubiKeySecret)
  await expect.poll(() => bench.server.workRequest(work)?.status).toBe('completed')
}

/** What is alive in main's heap. */
async function heapOfMain(app: StationApp, path: string): Promise<Buffer> {
  process.kill(app.pid, 'SIGUSR2')
  const whole = () => (existsSync(path) && readFileSync(path).subarray(-64).toString().trimEnd().endsWith(']}') ? 1 : 0)
  await expect.poll(whole, { timeout: 60_000 }).toBe(1)
  return readFileSync(path)
}

type Recorded = { readonly from: 'window' | 'main'; readonly method: string; readonly params: { payload?: string } }

/** Messages between main and the window that hold it, each by who said it and for what. */
function messagesWith(record: string, forms: readonly Buffer[]): readonly string[] {
  const lines = readFileSync(record, 'utf8').trim().split('\n')
  return [
    ...new Set(
      lines
        .filter((line) => forms.some((form) => Buffer.from(line).includes(form)))
        .map((line): Recorded => JSON.parse(line))
        .map(({ from, method, params }) => {
          const channel = /"channel":"([a-z.-]+)"/.exec(params.payload ?? '')?.[1] ?? ''
          return `${from} ${method} ${channel}`.trim()
        }),
    ),
  ].sort()
}

test('a PIN is nowhere once it was used, refused, dropped, or died with the token process', async ({
  page,
  app,
  bench,
  hold,
  folders,
  seen,
  yubiKey,
}) => {
  test.setTimeout(600_000)
  if (typeof yubiKey === 'string') test.info().annotations.push({ type: 'without a YubiKey', description: yubiKey })
  const { uid, birthtimeMs } = statSync(folders.profile)
  await typeEveryPin(page, bench, hold, yubiKey)
  const texts = [marker, yubiKeySecret.right, yubiKeySecret.wrong]
  const [pin, control] = [texts.flatMap(formsOf), formsOf(harmless)]

  await test.step('on disk', () => {
    // Profile with its database pages, log of SQLite and spool; home and runtime with the browser's profile; the token's own folder.
    expect.soft(filesWith(folders.base, pin)).toEqual([])
    expect.soft(filesWith(folders.base, control).length).toBeGreaterThan(0)
    expect.soft(temporaryFilesWith(uid, birthtimeMs, pin)).toEqual([])
    expect.soft(temporaryFilesWith(uid, birthtimeMs, control).length).toBeGreaterThan(0)
    const dumps = readdirSync(folders.base, { recursive: true, encoding: 'utf8' })
    expect
      .soft(dumps.filter((path) => /(?:^|\/)(?:core(?:\.\d+)?|report\..*\.json|.*\.dmp|.*\.heapsnapshot)$/.test(path)))
      .toEqual([])
  })
  await test.step('in what the program wrote', () => {
    for (const form of pin) expect.soft(Buffer.from(app.log()).includes(form)).toBe(false)
    expect.soft(app.log()).toContain('pin-incorrect')
  })
  await test.step('in a command line or an environment', () => {
    expect.soft(processesWith(pin)).toEqual([])
    expect.soft(processesWith(formsOf(folders.base)).length).toBeGreaterThan(0)
  })
  await test.step('in a message, but the one that hands it to main', () => {
    expect
      .soft(messagesWith(seen.record, pin))
      .toEqual(['window Runtime.bindingCalled keys.register', 'window Runtime.bindingCalled review.approve'])
    expect.soft(messagesWith(seen.record, control)).toContain('main Runtime.evaluate')
  })
  await test.step('in the page', async () => {
    for (const form of pin) expect.soft(Buffer.from(await page.content()).includes(form)).toBe(false)
    const values = await page
      .locator('input, textarea')
      .evaluateAll((fields) => fields.map((field) => Reflect.get(field, 'value')))
    for (const text of texts) expect.soft(JSON.stringify(values)).not.toContain(text)
  })
  await test.step('alive in the heap of the page', async () => {
    const personGone = personAt(page)
    await personGone.go('Keys & tokens')
    const heap = await heapOfPage(page)
    expect.soft(heap.includes(harmless)).toBe(true)
    for (const text of texts) expect.soft(heap.includes(text)).toBe(false)
  })
  await test.step('alive in the heap of main', async () => {
    const heap = await heapOfMain(app, seen.heap)
    expect.soft(heap.includes('desk.example.org')).toBe(true)
    for (const text of texts) expect.soft(heap.includes(text)).toBe(false)
  })
  await test.step('in the memory of any process but main and the window, dead or alive', () => {
    const tree = processTree(app.pid)
    const window = /chromium.*(?:--type=renderer|--remote-debugging-pipe)/
    const others = tree.filter(({ pid, command }) => pid !== app.pid && !window.test(command))
    expect(others.some(({ command }) => command.includes('token-host'))).toBe(true)
    expect
      .soft(
        others.filter(
          ({ pid }) =>
            memoryHolds(
              pid,
              texts.map((text) => Buffer.from(text)),
            ) === true,
        ),
      )
      .toEqual([])
  })
  await test.step('and no process of the station may leave its memory behind', () => {
    for (const { pid, command } of processTree(app.pid)) {
      const limit = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))
      expect.soft([limit?.[1], limit?.[2]], command).toEqual(['1', '1'])
    }
  })
})

test('a private key in software, and the service key that opens it, are in no process but the token process', async ({
  page,
  app,
  bench,
  folders,
  seen,
}) => {
  test.setTimeout(600_000)
  const person = personAt(page)
  await person.createStation({ station: 'desk.example.org', operator: 'Release Manager' })
  await person.setServer(bench.server, null)
  await person.enrol()
  bench.server.enableWorker()
  await person.makeSoftwareKey(harmless)
  await person.setDuty(true)
  const fingerprint = await page.evaluate(async () => {
    const listed = await window.station.keysList()
    return listed.ok ? (listed.value[0]?.fingerprint ?? '') : ''
  })
  bench.server.addKey({ purpose: 'uefi', fingerprint })
  const work = await bench.server.addSignRequest({
    fingerprint,
    files: [{ name: 'pkg/0.efi', bytes: buildPe(0) }],
    binaryPackageName: 'pkg',
    trustedCerts: [],
  })
  await person.openFirst()
  await beginToApprove(page)
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: /^Sign \d/ })
    .click()
  await expect.poll(() => bench.server.workRequest(work)?.status).toBe('completed')

  const { serviceKey, pkcs8 } = openTheKey(folders.profile)
  const jwk = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
  const prime = Buffer.from(jwk.p ?? '', 'base64url').subarray(0, 48)
  // As OpenSSL has it: little-endian words.
  const forms = [serviceKey, prime, Buffer.from(prime).reverse(), Buffer.from(prime.toString('base64'))]

  const tree = processTree(app.pid)
  const others = tree.filter(({ command }) => !command.includes('token-host'))
  expect(others.length).toBeLessThan(tree.length)
  expect(others.filter(({ pid }) => memoryHolds(pid, forms) === true).map(({ command }) => command)).toEqual([])
  // The station's name is, so that the search is one.
  expect(memoryHolds(app.pid, [Buffer.from('desk.example.org')])).toBe(true)
  const secretFiles = filesWith(folders.base, forms)
  expect(secretFiles.map((path) => path.replace(folders.profile, ''))).toEqual([
    expect.stringMatching(/^\/service-keys\//),
  ])
  for (const form of forms) expect(Buffer.from(app.log()).includes(form)).toBe(false)
  expect(messagesWith(seen.record, [...forms, ...formsOf(serviceKey.toString('hex'))])).toEqual([])
})

/** What only the token process can do: the service key from its file, and the sealed record of the one software key. */
function openTheKey(profile: string): { readonly serviceKey: Buffer; readonly pkcs8: Buffer } {
  const [name = ''] = readdirSync(join(profile, 'service-keys')).filter((file) => file.endsWith('.key'))
  const serviceKey = readFileSync(join(profile, 'service-keys', name))
  const db = new BetterSqlite3(join(profile, 'station.db'), { readonly: true })
  try {
    const rows = db.prepare('SELECT private_key FROM signing_key').all() as readonly { readonly private_key: string }[]
    const record = JSON.parse(rows[0]?.private_key ?? '{}') as { readonly encrypted?: string }
    const opened = unseal(Buffer.from(record.encrypted ?? '', 'base64'), serviceKey)
    if (opened === null) throw new Error('the service key does not open the sealed key')
    const text = Buffer.from(opened).toString('latin1')
    const pkcs8 = text.startsWith('-----BEGIN')
      ? Buffer.from(text.replaceAll(/-----[^-]*-----|\s/g, ''), 'base64')
      : Buffer.from(opened)
    return { serviceKey, pkcs8 }
  } finally {
    db.close()
  }
}
