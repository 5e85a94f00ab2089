import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { armLibrary, x64Library } from '../modules/testing/elf-file.ts'
import { tokenFailure } from '../token/failures.ts'
import type { ShownTokens } from './module-checks.ts'
import { connectorStatus, PreparedMachine, type Wanted } from './testing/prepared-machine.ts'
import { shows, use, ykcs11, yubihsmModule } from './testing/shown-tokens.ts'

describe('the doctor, about modules', () => {
  let machine: PreparedMachine
  beforeEach(() => {
    machine = new PreparedMachine()
  })
  afterEach(() => machine.end())

  const problems = async (wanted: Wanted = {}) =>
    (await machine.examine(wanted)).filter(({ kind }) => kind === 'problem').map(({ check }) => check)

  test('says which package has the module that is missing', async () => {
    machine.yubihsm()
    machine.yubikey()
    const found = await machine.examine()
    const commands = found.flatMap((told) =>
      told.check === 'module-installed' && told.kind === 'problem' ? [told.command] : [],
    )
    expect(commands).toEqual(['sudo apt-get install ykcs11', 'sudo apt-get install yubihsm-pkcs11'])
  })

  test('says that the one that is installed is for another machine', async () => {
    machine.yubikey()
    machine.put(ykcs11, armLibrary)
    expect(await machine.ask('module-installed')).toMatchObject({
      kind: 'problem',
      sentence: expect.stringContaining('made for 32-bit ARM'),
      command: 'sudo apt-get install ykcs11:amd64',
    })
  })

  test('does not blame the empty reader that many laptops have, unless there is nothing else', async () => {
    machine.plug({
      port: '1-9',
      address: 3,
      ids: ['0a5c', '5834'],
      product: 'Contacted SmartCard',
      interfaces: ['0b0000'],
    })
    await machine.pcscdWith([{ name: 'Broadcom Corp Contacted SmartCard 00 00', isEmpty: true }])
    expect(await machine.ask('module-shows-token')).toMatchObject({
      kind: 'problem',
      sentence: 'There is no card in the reader.',
    })
    expect(await problems({ tokens: shows(['/soft.so', 1]) })).toEqual([])
  })

  test('an empty reader beside a YubiKey is no problem, and a card in it is looked for', async () => {
    machine.yubikey()
    machine.put(ykcs11, x64Library)
    machine.plug({
      port: '1-9',
      address: 3,
      ids: ['0a5c', '5834'],
      product: 'Contacted SmartCard',
      interfaces: ['0b0000'],
    })
    const wanted = { chosen: use(ykcs11), tokens: shows([ykcs11, 1]) }
    await machine.pcscdWith([{ name: 'Broadcom 00 00', isEmpty: true }, { name: 'Yubico YubiKey 01 00' }])
    expect(await problems(wanted)).toEqual([])
  })

  test('says that it is installed and not chosen, and loads nothing for that', async () => {
    machine.yubikey()
    machine.put(ykcs11, x64Library)
    expect(await machine.ask('module-chosen', { chosen: [] })).toMatchObject({
      kind: 'problem',
      advice: expect.stringContaining(ykcs11),
    })
    expect(await machine.ask('module-chosen', { chosen: null })).toMatchObject({ kind: 'not-applicable' })
  })

  test('says a wrong architecture in words, with the right package', async () => {
    machine.put(ykcs11, armLibrary)
    expect(await machine.ask('module-file', { chosen: use(ykcs11) })).toMatchObject({
      kind: 'problem',
      sentence: 'The library is made for 32-bit ARM; this program runs on 64-bit x86-64, and cannot load it.',
      command: 'sudo apt-get install ykcs11:amd64',
    })
  })

  test('says that the file is not there, or is none, and quotes a strange path', async () => {
    expect(await machine.ask('module-file', { chosen: use('/usr/local/lib/x.so') })).toMatchObject({
      kind: 'problem',
    })
    const path = "/usr/local/lib/it’s $(reboot) `x` 'y'.so"
    machine.put(path, 'text')
    expect(await machine.ask('module-file', { chosen: use(path) })).toMatchObject({
      command: `file -L '/usr/local/lib/it’s $(reboot) \`x\` '\\''y'\\''.so'`,
    })
  })

  test.each<[string, string, string]>([
    ['cannot be loaded', 'libnss3.so: cannot open shared object file', 'cannot be loaded'],
    ['does not start', 'CKR_GENERAL_ERROR (0x5) at C_Initialize', 'does not start (CKR_GENERAL_ERROR)'],
  ])('says that one %s', async (_, detail, words) => {
    machine.put(ykcs11, x64Library)
    const problem = tokenFailure('module-not-loadable', detail)
    const tokens = async (): Promise<ShownTokens> => ({ tokens: [], modules: [{ path: ykcs11, problem }] })
    expect(await machine.ask('module-loads', { chosen: use(ykcs11), tokens })).toMatchObject({
      kind: 'problem',
      sentence: expect.stringContaining(words),
    })
  })

  test('says that one loads and shows nothing, though the device is on USB', async () => {
    machine.yubihsm()
    machine.put(yubihsmModule, x64Library)
    const environment = await machine.connector(connectorStatus('OK'))
    const wanted = { environment, chosen: use(yubihsmModule), tokens: shows([yubihsmModule, 0]) }
    expect(await problems(wanted)).toEqual(['module-shows-token'])
    expect(await problems({ ...wanted, tokens: shows([yubihsmModule, 1]) })).toEqual([])
  })

  test('says that one of two is shown', async () => {
    machine.yubikey()
    machine.plug({ port: '1-6', address: 7, ids: ['1050', '0407'], interfaces: ['0b0000'] })
    machine.put(ykcs11, x64Library)
    expect(await machine.ask('module-shows-token', { chosen: use(ykcs11), tokens: shows([ykcs11, 1]) })).toMatchObject({
      kind: 'problem',
      sentence: '2 are on USB, and 1 of their tokens are shown.',
    })
  })

  test('does not wait for one that hangs, and does not call it in order', async () => {
    machine.yubikey()
    machine.put(ykcs11, x64Library)
    const wanted: Wanted = {
      chosen: use(ykcs11),
      tokens: () => new Promise(() => {}),
      limits: { check: 5_000, modules: 20 },
    }
    expect(await machine.ask('module-loads', wanted)).toMatchObject({ kind: 'cannot-tell' })
    expect(await machine.ask('module-shows-token', wanted)).toMatchObject({ kind: 'cannot-tell' })
  })
})
