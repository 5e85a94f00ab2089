import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { stderrLog } from '../../src/main/log/logger.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { codeOf, hostEntry, open, requestFor } from '../../src/main/token/testing/token-bench.ts'
import type { KeyReference, TokenService } from '../../src/main/token/token-service.ts'
import { sha256Hex } from '../../src/shared/ids.ts'
import { filesWith, formsOf, processesWith } from '../workbench/traces.ts'
import { keyId, makeKey } from './yubihsm/testing/key-in-device.ts'
import { vendorSoftware } from './yubihsm/testing/vendor-software.ts'
import { YubiHsmBench } from './yubihsm/testing/yubihsm-bench.ts'
import { withChip } from './yubikey/card.ts'
import { spkiOf } from './yubikey/card-key.ts'
import { pinBytes, sharedKey } from './yubikey/testing/card-talk.ts'
import { withKeys } from './yubikey/testing/given-key.ts'
import { factoryCards, withYkcs11 } from './yubikey/testing/ykcs11-bench.ts'

// The secrets of the two devices, which nobody else has, go through the makers' modules; then what is left is searched for them. What
// the window and main leave behind is searched in secrets-left-behind.attack.spec.ts.

function referenceTo(spki: Uint8Array, model: string, serial: string, ckaId: string): KeyReference {
  const token = { manufacturer: 'Yubico (www.yubico.com)', model, serial }
  const digest = createHash('sha256').update(spki).digest('hex')
  return {
    home: { kind: 'token', token, ckaId, pkcs11Uri: '' },
    algorithm: 'ec-p256',
    spkiSha256: sha256Hex.parse(digest),
    sealed: null,
  }
}

/** Uses the right secret, a wrong one and the right one again, and gives back everything that was said. */
async function use(tokens: TokenService, key: KeyReference, pin: { right: string; wrong: string }): Promise<string> {
  const results: unknown[] = [await open(tokens, key, pin.right)]
  await tokens.reset()
  results.push(await open(tokens, key, pin.wrong))
  expect(codeOf(results[1] as Parameters<typeof codeOf>[0])).toBe('pin-incorrect')
  const opened = await open(tokens, key, pin.right)
  if (!opened.ok) throw new Error(opened.error.detail)
  expect(codeOf(await opened.value.sign(requestFor(key)))).toBe('ok')
  const during = tokenProcesses()
  expect(during.length).toBeGreaterThan(0)
  // While it is open, too.
  expect(processesWith([...formsOf(pin.right), ...formsOf(pin.wrong)])).toEqual([])
  await opened.value.close()
  await expect.poll(() => during.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  results.push(await tokens.list({ refresh: true }))
  return inspect(results, { depth: 12, showHidden: true, maxStringLength: null })
}

/** Children of this test that run a token process. */
function tokenProcesses(): readonly string[] {
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('token/host/index.ts'))
}

function expectNowhere(told: string, folder: string | null, pin: { right: string; wrong: string }): void {
  for (const forms of [formsOf(pin.right), formsOf(pin.wrong)]) {
    for (const form of forms) expect(Buffer.from(told).includes(form)).toBe(false)
    if (folder !== null) expect(filesWith(folder, forms)).toEqual([])
  }
}

it('the PIN of a YubiKey is told to the key, and to nothing else', (context) =>
  withYkcs11(context, 'installed', async ({ key, room, module }) => {
    const pin = { right: `k${randomBytes(3).toString('hex')}x`, wrong: `w${randomBytes(3).toString('hex')}x` }
    const card = withKeys(factoryCards['5.7.1'], [{ slot: 0x9a, algorithm: 'ec-p256' }])
    key.card = withChip(card, { pin: { ...card.chip.pin, value: pinBytes(pin.right) } })
    const log: string[] = []
    const tokens = createTokenService({
      node: room.node,
      hostEntry,
      modules: [module.path],
      serviceKeysFolder: '/nowhere',
      environment: module.env,
      log: stderrLog((line) => log.push(line)),
    })
    try {
      const reference = referenceTo(spkiOf(sharedKey('ec-p256')), 'YubiKey YK5', '20000057', '01')
      const told = await use(tokens, reference, pin)
      expectNowhere(`${told}${log.join('')}${room.log}`, null, pin)
    } finally {
      await tokens.reset()
    }
  }))

it('the password of a YubiHSM leaves the token process in no form: not to the connector, not into a file', async (ctx) => {
  const vendor = await vendorSoftware()
  if (!vendor.ok) return ctx.skip(vendor.error)
  const bench = await YubiHsmBench.start(vendor.value)
  const password = `h${randomBytes(8).toString('hex')}`
  const log: string[] = []
  const tokens = createTokenService({
    node: process.execPath,
    hostEntry,
    modules: [vendor.value.module],
    serviceKeysFolder: join(bench.folder, 'service-keys'),
    environment: bench.moduleEnvironment(),
    log: stderrLog((line) => log.push(line)),
  })
  try {
    const pem = await makeKey(bench)
    const may = ['-c', 'sign-ecdsa', '-d', '1']
    await bench.shell('-a', 'put-authentication-key', '-i', '5', '-l', 'signer', ...may, '--new-password', password)
    const sent: Buffer[] = []
    const { device } = bench
    const exchange = device.exchange.bind(device)
    device.exchange = (bytes) => {
      sent.push(Buffer.from(bytes))
      return exchange(bytes)
    }
    const spki = createPublicKey(pem).export({ format: 'der', type: 'spki' })
    const serial = String(bench.device.serial).padStart(8, '0')
    const reference = referenceTo(spki, 'YubiHSM', serial, keyId.toString(16).padStart(4, '0'))
    const told = await use(tokens, reference, { right: `0005${password}`, wrong: `0005${password}no` })
    const secret = { right: password, wrong: `${password}no` }
    expect(sent.length).toBeGreaterThan(0)
    expectNowhere(`${told}${log.join('')}${Buffer.concat(sent).toString('latin1')}`, bench.folder, secret)
  } finally {
    await tokens.reset()
    await bench.dispose()
  }
  return undefined
})
