import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it, type TestContext } from 'vitest'
import { deviceUseOf } from '../../../src/main/audit/device-log/device-commands.ts'
import { isBoot, isReset, linkOf } from '../../../src/main/audit/device-log/device-entry.ts'
import { parseDrainAnswer } from '../../../src/main/audit/device-log/drain-answer.ts'
import { algorithm } from './algorithms.ts'
import { capabilitySet, everyCapability } from './capabilities.ts'
import { command, deviceOption, errorCode, noObject, objectType, optionValue } from './codes.ts'
import { keysOfPassword, paddedLabel } from './default-key.ts'
import { logCapacity } from './device-log.ts'
import { u16, u64 } from './message.ts'
import { HostSession, plain } from './testing/host-session.ts'
import { keyId, makeKey, signMessage } from './testing/key-in-device.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { YubiHsmBench } from './testing/yubihsm-bench.ts'
import { VirtualYubiHsm } from './virtual-yubihsm.ts'

// The station's reader of device logs, and the maker's library, against what a device wrote while its maker's software used it.

const vendor = await vendorSoftware()
const benches: YubiHsmBench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.dispose()
})

async function start(ctx: TestContext): Promise<YubiHsmBench> {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const bench = await YubiHsmBench.start(vendor.value)
  benches.push(bench)
  return bench
}

const open = (device: VirtualYubiHsm) => HostSession.open((bytes) => device.exchange(bytes))
const forceAudit = Buffer.concat([Uint8Array.of(deviceOption.forceAudit), u16(1), Uint8Array.of(optionValue.on)])

/** Audits what tells something, as the maker's own tests do, and then forces it. */
async function auditEverything(session: HostSession): Promise<void> {
  const { echo, sessionMessage, deviceInfo, getLogEntries } = command
  const quiet = new Set<number>([echo, sessionMessage, deviceInfo, getLogEntries])
  const pairs = await session.send(command.getOption, Uint8Array.of(deviceOption.commandAudit))
  const wanted = [...pairs].flatMap((code, place) =>
    place % 2 === 0 && !quiet.has(code) ? [code, optionValue.on] : [],
  )
  const value = Uint8Array.from(wanted)
  await session.send(
    command.setOption,
    Buffer.concat([Uint8Array.of(deviceOption.commandAudit), u16(value.length), value]),
  )
  await session.send(command.setOption, forceAudit)
}

/** As DEVICE INFO tells it. */
async function logUsed(device: VirtualYubiHsm): Promise<number> {
  return (await plain((bytes) => device.exchange(bytes), command.deviceInfo))[8] ?? 0
}

async function drain(device: VirtualYubiHsm) {
  const answer = parseDrainAnswer(await (await open(device)).send(command.getLogEntries))
  if (!answer.ok) throw new Error(answer.error.message)
  return answer.value
}

/** `yh_verify_logs` of libyubihsm. */
function libraryFindsChained(ctx: TestContext, entries: readonly { readonly raw: Uint8Array }[]): boolean {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const program = fileURLToPath(
    new URL('../../../src/main/audit/device-log/testing/yubihsm_verify.py', import.meta.url),
  )
  const input = entries.map(({ raw }) => Buffer.from(raw).toString('hex')).join('\n')
  const done = spawnSync('python3', [program], { input, encoding: 'utf8', env: vendor.value.environment })
  if (done.error !== undefined) return ctx.skip('needs python3')
  expect(done.stderr).toBe('')
  return done.stdout.trim() === 'chained'
}

it('the station reads the uses of keys out of a log, as one chain, and so does the library', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  await auditEverything(await open(bench.device))
  const session = await bench.session()
  for (let count = 0; count < 3; count++) await signMessage(session, randomBytes(20))
  await bench.shell(
    '-a',
    'sign-attestation-certificate',
    '-i',
    String(keyId),
    '--attestation-id',
    '0',
    '--out',
    bench.file('a'),
  )
  bench.connector.unplug()
  bench.device.plugIn()

  const { entries, unloggedBoots, unloggedAuthentications } = await drain(bench.device)
  expect({ unloggedBoots, unloggedAuthentications }).toEqual({ unloggedBoots: 0, unloggedAuthentications: 0 })
  const [first, second] = entries
  expect(first !== undefined && isReset(first)).toBe(true)
  expect(second !== undefined && isBoot(second)).toBe(true)
  expect(entries.filter(isBoot)).toHaveLength(2)
  for (const [index, entry] of entries.entries()) {
    const before = entries[index - 1]
    if (before !== undefined) expect(linkOf(before, entry)).toEqual({ kind: 'chained' })
  }
  const uses = entries.map(deviceUseOf).filter((use) => use !== null)
  expect(uses).toEqual(
    Array.from({ length: 3 }, () => ({
      command: 'SIGN ECDSA',
      objectId: keyId,
      signs: true,
      ours: true,
      result: 'done',
    })),
  )
  const attestation = entries.find((entry) => entry.command === command.signAttestationCertificate)
  expect([attestation?.targetKey, attestation?.secondKey, attestation?.sessionKey]).toEqual([keyId, 0, 1])
  expect(libraryFindsChained(ctx, entries)).toBe(true)
  expect(libraryFindsChained(ctx, entries.toSpliced(5, 1))).toBe(false)
})

it('the shell prints the entries that the station reads', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  await auditEverything(await open(bench.device))
  await signMessage(await bench.session(), randomBytes(20))
  const printed = await bench.shell('-a', 'get-logs')
  const { entries } = await drain(bench.device)
  const line =
    /^item: +(\d+) -- cmd: 0x(\w+) -- length: +(\d+) -- session key: 0x(\w+) -- target key: 0x(\w+) -- second key: 0x(\w+) -- result: 0x(\w+) -- tick: (\d+) -- hash: (\w+)$/gm
  const theirs = [...printed.matchAll(line)].map(
    ([, number, code, length, session, target, second, result, tick, digest]) => ({
      number: Number(number),
      command: Number.parseInt(code ?? '', 16),
      length: Number(length),
      sessionKey: Number.parseInt(session ?? '', 16),
      targetKey: Number.parseInt(target ?? '', 16),
      secondKey: Number.parseInt(second ?? '', 16),
      result: Number.parseInt(result ?? '', 16),
      systick: Number(tick),
      digest,
    }),
  )
  expect(theirs.length).toBeGreaterThan(5)
  // Since then the shell closed its session, and this test opened one.
  const ours = entries.slice(0, theirs.length).map((entry) => ({
    ...entry,
    raw: undefined,
    digest: Buffer.from(entry.digest).toString('hex'),
  }))
  expect(ours).toEqual(theirs)
})

it('without forced audit a full log overwrites its oldest entries, and the rest is still one chain', async () => {
  const device = new VirtualYubiHsm({ firmware: [2, 2, 0] })
  const session = await open(device)
  for (let count = 0; count < 100; count++) await session.send(command.getPseudoRandom, u16(1))
  const { entries } = await drain(device)
  expect(entries).toHaveLength(logCapacity)
  expect(entries[0]?.number).toBe(2 + 2 + 100 + 2 - logCapacity + 1)
})

it('with forced audit it counts the boots and the sessions that found no room, and refuses the rest', async () => {
  const device = new VirtualYubiHsm()
  let session = await open(device)
  await auditEverything(session)
  for (let used = await logUsed(device); used < logCapacity; used++) await session.send(command.getPseudoRandom, u16(1))
  await expect(session.send(command.getPseudoRandom, u16(1))).rejects.toThrow('logFull')
  device.unplug()
  device.plugIn()
  session = await open(device)
  const answer = parseDrainAnswer(await session.send(command.getLogEntries))
  if (!answer.ok) throw new Error(answer.error.message)
  const { entries, unloggedBoots, unloggedAuthentications } = answer.value
  expect([entries.length, unloggedBoots, unloggedAuthentications]).toEqual([logCapacity, 1, 1])
  await expect(session.send(command.getPseudoRandom, u16(1))).rejects.toThrow('logFull')

  await expect(session.send(command.setLogIndex, u16(9999))).rejects.toThrow('invalidData')
  await session.send(command.setLogIndex, u16(entries.at(-1)?.number ?? 0))
  await session.send(command.getPseudoRandom, u16(1))
  const after = parseDrainAnswer(await session.send(command.getLogEntries))
  if (!after.ok) throw new Error(after.error.message)
  expect([after.value.unloggedBoots, after.value.unloggedAuthentications]).toEqual([0, 0])
  expect(after.value.entries.map((entry) => entry.command)).toEqual([command.setLogIndex, command.getPseudoRandom])
  const last = entries.at(-1)
  const next = after.value.entries[0]
  expect(last !== undefined && next !== undefined && linkOf(last, next).kind).toBe('chained')
})

it('forced audit alone logs nothing: it is what command-audit names that is logged', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  await bench.shell('-a', 'put-option', '--opt-name', 'force-audit', '--opt-value', '01')
  await signMessage(await bench.session(), randomBytes(20))
  expect((await drain(bench.device)).entries.map(deviceUseOf)).toEqual([null, null])
  // As the documentation of the format has it.
  const signing = '47015501560164015d016a014f01'
  await bench.shell('-a', 'put-option', '--opt-name', 'command-audit', '--opt-value', signing)
  await signMessage(await bench.session(), randomBytes(20))
  expect((await drain(bench.device)).entries.map((entry) => deviceUseOf(entry)?.command)).toEqual([
    undefined,
    undefined,
    'SIGN ECDSA',
  ])
})

it('what was refused is in the log with the error, and with the key that it was about', async () => {
  const device = new VirtualYubiHsm()
  const session = await open(device)
  await auditEverything(session)
  await expect(session.send(command.signPkcs1, Buffer.concat([u16(0x1234), randomBytes(32)]))).rejects.toThrow(
    'objectNotFound',
  )
  const entry = (await drain(device)).entries.find((one) => one.command === command.signPkcs1)
  expect([entry?.result, entry?.targetKey, entry?.secondKey, entry?.length]).toEqual([
    errorCode.objectNotFound,
    0x1234,
    noObject,
    34,
  ])
  expect(entry === undefined ? null : deviceUseOf(entry)).toEqual({
    command: 'SIGN PKCS1',
    objectId: 0x1234,
    signs: true,
    ours: true,
    result: 'failed',
  })
})

it('writes the entries that a real device wrote', async () => {
  // What a published log of a YubiHSM 2.4.0 has (github.com/dark-bio/transparency, hsms/logs): command, length, target, second, result.
  const device = new VirtualYubiHsm({ firmware: [2, 4, 0] })
  let session = await open(device)
  const audit = async (code: number, value: number) =>
    await session.send(
      command.setOption,
      Buffer.concat([Uint8Array.of(deviceOption.commandAudit), u16(2), Uint8Array.of(code, value)]),
    )
  const meta = (id: number, code: number, may: bigint) =>
    Buffer.concat([u16(id), paddedLabel(''), u16(0xffff), u64(may), Uint8Array.of(code)])
  const { on, fixed } = optionValue
  await audit(command.setOption, on)
  await audit(command.setOption, fixed)
  await session.send(
    command.setOption,
    Buffer.concat([Uint8Array.of(deviceOption.forceAudit), u16(1), Uint8Array.of(fixed)]),
  )
  await audit(command.deleteObject, fixed)
  await expect(audit(command.deleteObject, on)).rejects.toThrow('invalidData')
  for (const code of [
    command.putAuthenticationKey,
    command.generateAsymmetricKey,
    command.signEddsa,
    command.putWrapKey,
  ])
    await audit(code, fixed)
  for (const code of [command.exportWrapped, command.importWrapped, command.changeAuthenticationKey])
    await audit(code, fixed)

  const everything = everyCapability
  const keys = keysOfPassword('another')
  await session.send(
    command.putAuthenticationKey,
    Buffer.concat([meta(2, algorithm.aes128Authentication, everything), u64(everything), keys]),
  )
  await session.send(
    command.changeAuthenticationKey,
    Buffer.concat([u16(1), Uint8Array.of(algorithm.aes128Authentication), keys]),
  )
  await session.send(
    command.putWrapKey,
    Buffer.concat([meta(1, algorithm.aes128CcmWrap, everything), u64(everything), randomBytes(16)]),
  )
  await session.send(
    command.generateAsymmetricKey,
    meta(2, algorithm.ed25519, capabilitySet('exportableUnderWrap', 'signEddsa')),
  )
  await session.send(command.signEddsa, Buffer.concat([u16(2), Buffer.from('demo')]))
  const type = Uint8Array.of(objectType.asymmetricKey)
  const wrapped = await session.send(command.exportWrapped, Buffer.concat([u16(1), type, u16(2), Uint8Array.of(1)]))
  await session.send(command.deleteObject, Buffer.concat([u16(2), type]))
  await session.send(command.importWrapped, Buffer.concat([u16(1), wrapped]))
  device.unplug()
  device.plugIn()

  session = await HostSession.open((bytes) => device.exchange(bytes), 2, 'another')
  const answer = parseDrainAnswer(await session.send(command.getLogEntries))
  if (!answer.ok) throw new Error(answer.error.message)
  const none = noObject
  const setOptions = Array.from({ length: 7 }, () => [0x4f, 5, none, none, 0xcf])
  expect(
    answer.value.entries.map((entry) => [entry.command, entry.length, entry.targetKey, entry.secondKey, entry.result]),
  ).toEqual([
    [0xff, 0xffff, none, none, 0xff],
    [0x00, 0, 0, 0, 0],
    // Not the first one: it begins with the second.
    [0x4f, 5, none, none, 0xcf],
    [0x4f, 4, none, none, 0xcf],
    [0x4f, 5, none, none, 0xcf],
    [0x4f, 5, none, none, 0x02],
    ...setOptions,
    [0x44, 93, 2, none, 0xc4],
    [0x6c, 35, 1, none, 0xec],
    [0x4c, 77, 1, none, 0xcc],
    [0x46, 53, 2, none, 0xc6],
    [0x6a, 6, 2, none, 0xea],
    [0x4a, 6, 1, 2, 0xca],
    [0x58, 3, 2, none, 0xd8],
    // Nonce, tag, 59 bytes of metadata, 96 of the key and 32 of its seed.
    [0x4b, 218, 1, 2, 0xcb],
    [0x00, 0, 0, 0, 0],
  ])
})
