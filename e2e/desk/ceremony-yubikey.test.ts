import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ReaderRoom, whyNoReader } from '../devices/reader.ts'
import { testAuthority } from '../devices/yubikey/attestation.ts'
import { makeCard } from '../devices/yubikey/card.ts'
import { sharedKey } from '../devices/yubikey/testing/card-talk.ts'
import { trixieYkcs11 } from '../devices/yubikey/testing/vendor-modules.ts'
import { VirtualYubiKey } from '../devices/yubikey/virtual-yubikey.ts'
import { Custodian, checkedByReader } from './ceremony-bench.ts'
import { codeOf, DeskBench, orThrow } from './desk-bench.ts'

// The ready script for an OpenPGP key on a YubiKey, with Yubico's own module: a whole station but its window.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const serial = '20000057'
const hands = { pin: '123456', officerPin: '010203040506070801020304050607080102030405060708' }
let room: ReaderRoom | null = null
let bench: DeskBench | null = null
let why = whyNoReader()
beforeAll(async () => {
  if (why !== null) return
  const module = await trixieYkcs11().catch((error: unknown) => String(error))
  if (typeof module === 'string') {
    why = `the package ykcs11 of Debian 13 could not be had: ${module}`
    return
  }
  room = await ReaderRoom.open()
  const key = new VirtualYubiKey({ made: makeCard({ firmware: '5.7.1', serial: Number(serial) }), generate: sharedKey })
  await room.plug(key, 0)
  bench = await DeskBench.make({ tokens: null, environment: module.env, node: room.node })
  const { station } = bench
  orThrow(await station.saveSettings({ ...station.settings(), modules: [{ path: module.path, enabled: true }] }))
})
afterAll(async () => {
  await bench?.dispose()
  await room?.close()
})

test('holds a ceremony for an OpenPGP key from the script to the evidence', async (ctx) => {
  if (why !== null || bench === null) return ctx.skip(why ?? 'there is no bench')
  const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial }
  const custodian = new Custodian(bench, { yubikey: { token, caseSerial: serial } }, hands)
  await custodian.trust('yubikey-piv', [testAuthority().certificate])
  const id = await custodian.begin({ kind: 'ready', name: 'new-openpgp-key-yubikey' }, {})

  // A step is left out for a reason, by a name: never without.
  await custodian.through(id, 'software')
  const skipped = { id, step: 'software', effect: 'skipped', by: 'W. Witness', reason: 'Compared yesterday.' } as const
  expect(codeOf(await custodian.ceremonies.deviate({ ...skipped, step: 'generate' }, 'Custodian'))).toBe('step-not-now')
  orThrow(await custodian.ceremonies.deviate(skipped, 'Custodian'))
  await custodian.through(id)
  await custodian.seal(id)

  const { steps, plan, summary } = await custodian.detail(id)
  expect(summary).toMatchObject({ state: 'completed', deviations: 1 })
  expect(steps.map(({ kind }) => kind).filter((kind) => kind !== 'done')).toEqual(['skipped'])
  const attested = steps[plan.script.steps.findIndex(({ id: step }) => step === 'attest')]
  expect(JSON.stringify(attested)).toContain('verified up to a root that is trusted here')

  const { folder } = await custodian.evidence(id)
  const readme = readFileSync(join(folder, 'README.txt'), 'utf8')
  const commands = [...readme.matchAll(/^ {3}((?:openssl|sha256sum|grep|gpg) .*)$/gm)].map(([, line = '']) => line)
  const home = join(folder, '..')
  const said = commands.map((line) => checkedByReader(folder, line.replace(/^gpg/, `gpg --homedir '${home}'`))).join('')
  expect(said).toContain('Verified OK')
  expect(said).toContain('Release Signing 2027 <release@example.org>')
  expect(said).toContain('evidence/openpgp-attestation-1-statement.pem: OK')
  expect(execFileSync('unzip', ['-l', join(folder, '..', 'evidence.zip')], { encoding: 'utf8' })).toContain(
    'openpgp-certificate.asc',
  )
})
