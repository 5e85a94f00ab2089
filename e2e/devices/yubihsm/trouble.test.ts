import { randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { afterEach, expect, it, type TestContext } from 'vitest'
import { command, deviceOption } from './codes.ts'
import { logCapacity } from './device-log.ts'
import { HostSession } from './testing/host-session.ts'
import { codeOf, isBy, keyId, makeKey, publicKeyOf, signMessage } from './testing/key-in-device.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { defaultPin, privateKey, YubiHsmBench } from './testing/yubihsm-bench.ts'
import { VirtualYubiHsm, type YubiHsmOptions } from './virtual-yubihsm.ts'

// What goes wrong on a desk, as the maker's module tells it.

const vendor = await vendorSoftware()
const benches: YubiHsmBench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.dispose()
})

async function start(ctx: TestContext, options: YubiHsmOptions = {}): Promise<YubiHsmBench> {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const bench = await YubiHsmBench.start(vendor.value, options)
  benches.push(bench)
  return bench
}

const message = randomBytes(100)
const exchangeWith = (device: VirtualYubiHsm) => (bytes: Uint8Array) => device.exchange(bytes)

it('a session that was idle for 30 s is lost, and the module opens another without a word', async (ctx) => {
  let now = 0
  const bench = await start(ctx, { now: () => now })
  const pem = await makeKey(bench)
  const open = await bench.session()
  now += 29_999
  expect(isBy(pem, message, await signMessage(open, message))).toBe(true)
  now += 30_000
  expect(bench.device.openSessions).toBe(0)
  expect(isBy(pem, message, await signMessage(open, message))).toBe(true)
  expect(bench.device.openSessions).toBe(1)
})

it('there are 16 sessions; those of programs that died are free after 30 s', async (ctx) => {
  let now = 0
  const bench = await start(ctx, { now: () => now })
  for (let count = 0; count < 15; count++) await HostSession.open(exchangeWith(bench.device))
  const killed = await bench.session()
  expect(bench.device.openSessions).toBe(16)
  await killed.module.kill()
  expect(bench.device.openSessions).toBe(16)
  const { module, session } = await bench.session(null)
  const login = async () => await module.codeOf('C_Login', session, pkcs11js.CKU_USER, defaultPin)
  expect(await login()).toBe('CKR_SESSION_COUNT')
  now += 30_000
  expect(await login()).toBe('CKR_OK')
})

it('another device under an open session signs with its key, while the module names the first', async (ctx) => {
  const bench = await start(ctx, { serial: 1_111_111 })
  const first = await makeKey(bench)
  const open = await bench.session()
  expect(isBy(first, message, await signMessage(open, message))).toBe(true)

  bench.connector.plug(new VirtualYubiHsm({ serial: 2_222_222 }))
  const second = await makeKey(bench)
  const signature = await signMessage(open, message)
  const { serialNumber } = await open.module.call('C_GetTokenInfo', open.slot)
  expect({
    serial: serialNumber.trim(),
    byFirst: isBy(first, message, signature),
    bySecond: isBy(second, message, signature),
  }).toEqual({
    serial: '01111111',
    byFirst: false,
    bySecond: true,
  })
})

it('an unplugged device is removed, and works again when it is back, with a boot in its log', async (ctx) => {
  const bench = await start(ctx)
  const pem = await makeKey(bench)
  const open = await bench.session()
  bench.connector.unplug()
  expect(await (await fetch(`${bench.connector.url}/connector/status`)).text()).toContain('status=NO_DEVICE\n')
  expect(await codeOf(signMessage(open, message))).toBe('CKR_DEVICE_REMOVED')
  bench.device.plugIn()
  expect(await (await fetch(`${bench.connector.url}/connector/status`)).text()).toContain('status=OK\n')
  expect(isBy(pem, message, await signMessage(open, message))).toBe(true)
  expect(await bench.shell('-a', 'get-logs')).toMatch(/item:\s+3 -- cmd: 0x00 -- length:\s+0 -- session key: 0xffff/)
})

it('with forced audit and a full log it refuses to sign, until its log is drained', async (ctx) => {
  const bench = await start(ctx)
  const pem = await makeKey(bench)
  await bench.shell('-a', 'put-option', '--opt-name', 'force-audit', '--opt-value', '01')
  const open = await bench.session()
  const codes: string[] = []
  while (codes.length < logCapacity && codes.at(-1) !== 'CKR_DEVICE_MEMORY')
    codes.push(await codeOf(signMessage(open, message)))
  expect(codes.at(-1)).toBe('CKR_DEVICE_MEMORY')
  expect(codes.slice(0, -1).every((code) => code === 'CKR_OK')).toBe(true)
  expect(await bench.shell('-a', 'get-device-info')).toContain('Log used:		62/62')

  // Sessions are let in all the same, so that somebody can drain it; what they could not log is counted.
  const logs = await bench.shell('-a', 'get-logs')
  expect(logs).toMatch(/[1-9]\d* unlogged authentications found/)
  const last = [...logs.matchAll(/^item:\s+(\d+)/gm)].at(-1)?.[1] ?? ''
  await bench.shell('-a', 'set-log-index', '--log-index', last)
  expect(isBy(pem, message, await signMessage(open, message))).toBe(true)
})

it('a device that loses its power in a signature may have signed: its log says so', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  await bench.shell('-a', 'put-option', '--opt-name', 'command-audit', '--opt-value', '5601')
  const open = await bench.session()
  const key = await privateKey(open, keyId)
  const signOnce = async () => {
    await open.module.call('C_SignInit', open.session, { mechanism: pkcs11js.CKM_ECDSA }, key)
    return await codeOf(open.module.call('C_Sign', open.session, randomBytes(32), Buffer.alloc(64)))
  }
  const signatures = async () => [...(await bench.shell('-a', 'get-logs')).matchAll(/cmd: 0x56 .*result: 0xd6/g)].length

  bench.device.losePowerIn({ command: command.signEcdsa, moment: 'before-execution' })
  expect(await signOnce()).toBe('CKR_DEVICE_REMOVED')
  bench.device.plugIn()
  expect(await signatures()).toBe(0)

  bench.device.losePowerIn({ command: command.signEcdsa, moment: 'before-answer' })
  expect(await signOnce()).toBe('CKR_DEVICE_REMOVED')
  bench.device.plugIn()
  expect(await signatures()).toBe(1)
})

it('a connector that hangs holds the call until the process is killed', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  const open = await bench.session()
  const key = await privateKey(open, keyId)
  await open.module.call('C_SignInit', open.session, { mechanism: pkcs11js.CKM_ECDSA }, key)
  bench.connector.behave({ kind: 'hang' })
  const before = bench.connector.messages
  const signing = codeOf(open.module.call('C_Sign', open.session, randomBytes(32), Buffer.alloc(64)))
  await expect.poll(() => bench.connector.messages).toBe(before + 1)
  await open.module.kill()
  expect(await signing).toContain('the process ended')
})

it('a slow connector makes a slow signature, and nothing else', async (ctx) => {
  const bench = await start(ctx)
  const pem = await makeKey(bench)
  const open = await bench.session()
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  bench.connector.behave({ kind: 'slow', until: () => gate })
  const before = bench.connector.messages
  const signing = signMessage(open, message)
  await expect.poll(() => bench.connector.messages).toBeGreaterThan(before)
  release()
  expect(isBy(pem, message, await signing)).toBe(true)
})

it('a connector that was killed is a device that was removed', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  const open = await bench.session()
  await bench.connector.kill()
  expect(await codeOf(signMessage(open, message))).toBe('CKR_DEVICE_REMOVED')
  const blind = await bench.module()
  expect(await blind.call('C_GetSlotList', true)).toEqual([])
})

it('keeps keys, options and log in a file for another day', async (ctx) => {
  const bench = await start(ctx, { serial: 3_333_333, firmware: [2, 3, 2] })
  const pem = await makeKey(bench)
  await bench.shell('-a', 'put-option', '--opt-name', 'force-audit', '--opt-value', '02')
  const saved = JSON.parse(JSON.stringify(bench.device.save())) as ReturnType<VirtualYubiHsm['save']>
  bench.connector.plug(new VirtualYubiHsm({}, saved))
  const open = await bench.session()
  expect(isBy(pem, message, await signMessage(open, message))).toBe(true)
  expect(await publicKeyOf(bench, keyId)).toBe(pem)
  const info = await bench.shell('-a', 'get-device-info')
  expect(info).toContain('3333333')
  expect(info).toContain('2.3.2')
  const session = await HostSession.open((bytes) => fetchApi(bench, bytes))
  expect(await session.send(command.getOption, Uint8Array.of(deviceOption.forceAudit))).toEqual(Buffer.from([2]))
})

async function fetchApi(bench: YubiHsmBench, bytes: Uint8Array): Promise<Uint8Array> {
  const body = Buffer.from(bytes)
  return new Uint8Array(
    await (await fetch(`${bench.connector.url}/connector/api`, { method: 'POST', body })).arrayBuffer(),
  )
}
