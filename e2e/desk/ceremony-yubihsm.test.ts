import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest'
import type { CeremonyId } from '../../src/shared/ceremony.ts'
import { vendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { checkedByReader, HsmCeremony } from './ceremony-bench.ts'
import { codeOf, orThrow } from './desk-bench.ts'

// The ready script for a new UEFI key, from its plan to the evidence: two virtual YubiHSMs behind the maker's module, a whole station but its
// window. One ceremony for the whole file: what is made in one test is looked at in the next.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const vendor = await vendorSoftware()
let bench: HsmCeremony | null = null
let id: CeremonyId | null = null
beforeAll(async () => {
  if (vendor.ok) bench = await HsmCeremony.make(vendor.value)
})
afterAll(async () => {
  await bench?.dispose()
})

const source = { kind: 'ready', name: 'new-uefi-key-yubihsm' } as const
const parameters = { organisation: 'Example' }

function there(ctx: TestContext): HsmCeremony {
  if (!vendor.ok || bench === null) return ctx.skip(vendor.ok ? 'there is no bench' : vendor.error)
  return bench
}
function open(): CeremonyId {
  if (id === null) throw new Error('the ceremony was not begun')
  return id
}

test('shows a plan, and begins only what was shown', async (ctx) => {
  const custodian = there(ctx)
  const { ceremonies } = custodian
  const plan = orThrow(await ceremonies.plan(source, parameters))
  expect(codeOf(await ceremonies.plan(source, {}))).toBe('parameter-missing')
  expect(codeOf(await ceremonies.begin(source, { ...parameters, label: 'other' }, plan.planSha256, 'Custodian'))).toBe(
    'plan-differs',
  )
  id = orThrow(await ceremonies.begin(source, parameters, plan.planSha256, 'Custodian'))
  expect(codeOf(await ceremonies.begin(source, parameters, plan.planSha256, 'Custodian'))).toBe('ceremony-open')
})

test('does not skip, does not repeat, and counts a failed attempt', async (ctx) => {
  const custodian = there(ctx)
  expect(codeOf(await custodian.ceremonies.startStep(open(), 'generate', 'Custodian'))).toBe('step-not-now')
  const opening = await custodian.due(open())
  if (opening === null) throw new Error('nothing is due')
  expect(codeOf(await custodian.finish(open(), opening))).toBe('step-not-begun')
  await custodian.through(open(), 'device')
  const inspect = await custodian.due(open())
  if (inspect === null) throw new Error('nothing is due')
  await custodian.start(open(), 'device')
  expect(codeOf(await custodian.finish(open(), inspect, { serial: '7550999' }))).toBe('serial-differs')
  expect(codeOf(await custodian.finish(open(), inspect, { seal: null }))).toBe('step-incomplete')
  orThrow(await custodian.finish(open(), inspect))
  expect(codeOf(await custodian.ceremonies.end(open(), 'completed', 'Custodian'))).toBe('steps-open')
})

test('makes, certifies, attests, backs up and restores the key', async (ctx) => {
  const custodian = there(ctx)
  await custodian.through(open(), 'backup')
  const backup = await custodian.due(open())
  if (backup === null) throw new Error('nothing is due')
  await custodian.start(open(), 'backup')
  expect(codeOf(await custodian.finish(open(), backup, {}, '0001wrongpassword'))).toBe('pin-incorrect')
  orThrow(await custodian.finish(open(), backup))
  await custodian.through(open(), 'answers')
  const { steps, plan } = await custodian.detail(open())
  const facts = (step: string) => {
    const state = steps[plan.script.steps.findIndex((each) => each.id === step)]
    return state?.kind === 'done'
      ? Object.fromEntries(state.result.facts.map(({ label, value }) => [label, value]))
      : {}
  }
  expect(facts('attest')).toMatchObject({ Attestation: 'verified up to a root that is trusted here' })
  expect(facts('test-signature')['It said']).toBe('Verified OK')
  expect(facts('restore')).toMatchObject({
    'Origin, as that device says': 'generated in a YubiHSM, came here under a wrap key',
  })
  expect(facts('audit-options')).toMatchObject({
    'Force audit, read back': 'on',
    'Audit of signatures, read back': 'on',
  })
  const info = await custodian.hsm.shell('-a', 'get-object-info', '-i', '0x0101', '-t', 'asymmetric-key')
  expect(info).toContain('exportable-under-wrap')
  await expect(custodian.spare.shell('-a', 'get-object-info', '-i', '0x0101', '-t', 'asymmetric-key')).rejects.toThrow(
    /not found|Object/,
  )
})

test('notes a deviation, seals the transcript, and takes nothing more', async (ctx) => {
  const custodian = there(ctx)
  const noted = {
    id: open(),
    step: 'backup',
    effect: 'noted',
    by: 'W. Witness',
    reason: 'The first password was mistyped.',
  } as const
  orThrow(await custodian.ceremonies.deviate(noted, 'Custodian'))
  await custodian.through(open())
  await custodian.seal(open())
  const { summary } = await custodian.detail(open())
  expect(summary).toMatchObject({ state: 'completed', deviations: 1 })
  expect(codeOf(await custodian.ceremonies.deviate(noted, 'Custodian'))).toBe('ceremony-not-open')
  const [sealed] = await custodian.bench.entries('ceremony-ended')
  expect(sealed).toMatchObject({ transcriptSha256: summary.transcriptSha256, deviations: 1, outcome: 'completed' })
})

test('hands out evidence that other tools accept, and that shows every change', async (ctx) => {
  const custodian = there(ctx)
  const { folder, zip, saved, backups } = await custodian.evidence(open())
  expect(execFileSync('unzip', ['-t', zip], { encoding: 'utf8' })).toContain('No errors detected')
  expect(
    execFileSync('python3', ['-c', 'import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).testzip())', zip], {
      encoding: 'utf8',
    }).trim(),
  ).toBe('None')
  expect(backups).toEqual(['backup.yhw'])
  expect(execFileSync('unzip', ['-l', zip], { encoding: 'utf8' })).not.toContain('.yhw')

  const readme = readFileSync(join(folder, 'README.txt'), 'utf8')
  const commands = readme
    .split('\n')
    .flatMap((line) => /^ {3}((?:openssl|sha256sum|grep) .*)$/.exec(line)?.slice(1, 2) ?? [])
  expect(commands.length).toBeGreaterThan(6)
  const said = commands.map((command) => checkedByReader(folder, command)).join('')
  expect(said).toContain('evidence/test-signature-message.txt: OK')
  expect(said).toContain('Verified OK')
  expect(said).toContain('evidence/uefi-certificate.pem: OK')
  expect(said).toContain('evidence/uefi-attestation-1-statement.pem: OK')
  expect(said).toMatch(/^1$/m)
  const verifier = readme
    .split('\n')
    .flatMap((line) => /^ {3}signing-station-verify (.*)$/.exec(line)?.slice(1, 2) ?? [])
  expect(verifier).toHaveLength(2)
  const cli = join(import.meta.dirname, '../../src/main/cli/verify-audit.ts')
  for (const args of verifier)
    expect(checkedByReader(folder, `'${process.execPath}' '${cli}' ${args}`)).toMatch(/verified|VERIFIED|Verified/)

  // A transcript that was edited afterwards, and a certificate that was exchanged.
  const transcript = join(folder, 'transcript.json')
  const text = readFileSync(transcript, 'utf8')
  writeFileSync(transcript, text.replace('The first password was mistyped.', 'Nothing happened.'))
  const seal = commands.find((command) => command.startsWith('grep')) ?? ''
  expect(() => checkedByReader(folder, seal)).toThrow()
  expect(() => checkedByReader(folder, 'sha256sum --check SHA256SUMS')).toThrow(/did NOT match/)
  expect(saved).toContain('ceremony-')
})

test('restores a backup from its file, and puts nothing there that is not the key', async (ctx) => {
  const custodian = there(ctx)
  const [key] = await custodian.bench.station.keys
    .list()
    .then((keys) => keys.filter(({ home }) => home.kind === 'token'))
  const saved = orThrow(await custodian.ceremonies.saveEvidence(open()))
  const wrapped = readFileSync(join(saved.folder, 'backup.yhw'), 'utf8')
  const ready = { kind: 'ready', name: 'restore-test' } as const
  const unknown = { fingerprint: 'AB'.repeat(32) }
  const refused = orThrow(await custodian.ceremonies.plan(ready, unknown))
  expect(codeOf(await custodian.ceremonies.begin(ready, unknown, refused.planSha256, 'Custodian'))).toBe(
    'key-not-registered',
  )

  const restore = await custodian.begin(ready, { fingerprint: key?.fingerprint ?? '' })
  await custodian.through(restore, 'restore')
  const step = await custodian.due(restore)
  if (step === null) throw new Error('nothing is due')
  await custodian.start(restore, 'restore')
  expect(codeOf(await custodian.finish(restore, step, { wrapped: 'no base64' }))).toBe('backup-absent')
  const cut = Buffer.from(wrapped, 'base64').fill(0, 20, 30).toString('base64')
  expect(codeOf(await custodian.finish(restore, step, { wrapped: cut }))).toBe('hsm-refused')
  orThrow(await custodian.finish(restore, step, { wrapped }))
  await custodian.through(restore)
  await custodian.seal(restore)
})

test('destroys a key on its device, and lets it be used no more', async (ctx) => {
  const custodian = there(ctx)
  const { station } = custodian.bench
  const [key] = (await station.keys.list()).filter(({ home }) => home.kind === 'token')
  const retire = await custodian.begin({ kind: 'ready', name: 'retire-key' }, { fingerprint: key?.fingerprint ?? '' })
  await custodian.through(retire)
  await custodian.seal(retire)
  const [after] = (await station.keys.list()).filter(({ home }) => home.kind === 'token')
  expect(after).toMatchObject({ state: 'destroyed', usableNow: false })
  await expect(custodian.hsm.shell('-a', 'get-object-info', '-i', '0x0101', '-t', 'asymmetric-key')).rejects.toThrow()
  expect((await custodian.bench.entries('key-state-changed')).map((entry) => entry['to'])).toEqual([
    'retired',
    'destroyed',
  ])
})

test('brings a key that was put there with the maker’s tool, as imported for ever', async (ctx) => {
  const custodian = there(ctx)
  const [file, pem] = [custodian.hsm.file('existing.key'), custodian.hsm.file('existing.pem')]
  const made = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    file,
    '-out',
    pem,
    '-subj',
    '/CN=Existing',
    '-days',
    '30',
  ]
  execFileSync('openssl', made, { stdio: 'ignore' })
  await custodian.hsm.shell(
    '-a',
    'put-asymmetric-key',
    '-i',
    '0x0102',
    '-l',
    'existing',
    '-c',
    'sign-pkcs',
    '--in',
    file,
  )
  const bring = await custodian.begin(
    { kind: 'ready', name: 'import-existing-key' },
    { description: 'Existing signer', origin: 'On a disk since 2020' },
  )
  await custodian.through(bring, 'bring')
  const step = await custodian.due(bring)
  if (step === null) throw new Error('nothing is due')
  await custodian.start(bring, 'bring')
  orThrow(await custodian.finish(bring, step, { certificatePem: readFileSync(pem, 'utf8') }))
  await custodian.through(bring)
  await custodian.seal(bring)
  const { steps, plan } = await custodian.detail(bring)
  const attested = steps[plan.script.steps.findIndex(({ id: each }) => each === 'attest')]
  expect(JSON.stringify(attested)).toContain('imported')
})
