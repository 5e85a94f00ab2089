import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, type TestContext } from 'vitest'
import { isReset } from '../../../src/main/audit/device-log/device-entry.ts'
import { parseDrainAnswer } from '../../../src/main/audit/device-log/drain-answer.ts'
import type { DeviceLogSession } from '../../../src/main/token/device-log-reader.ts'
import type { Failure } from '../../../src/shared/failure.ts'
import type { Result } from '../../../src/shared/result.ts'
import { Secret } from '../../../src/shared/secret.ts'
import { auditSigning, deviceLogReader } from './testing/device-log-bench.ts'
import { makeKey, signMessage } from './testing/key-in-device.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from './testing/yubihsm-bench.ts'
import { VirtualYubiHsm, type YubiHsmOptions } from './virtual-yubihsm.ts'

// The station's own client of a YubiHSM, which takes its log out, beside the maker's shell on the same device.

const vendor = await vendorSoftware()
const serial = '07550140'
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function start(ctx: TestContext, options: YubiHsmOptions = {}): Promise<YubiHsmBench> {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const bench = await YubiHsmBench.start(vendor.value, { serial: 7_550_140, ...options })
  undo.push(() => bench.dispose())
  return bench
}

const codeOf = (result: Result<unknown, Failure>) => (result.ok ? 'ok' : result.error.code)
function must<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code} ${result.error.detail ?? ''}`)
  return result.value
}

async function open(bench: YubiHsmBench, pin = defaultPin, url = bench.connector.url): Promise<DeviceLogSession> {
  const session = must(await deviceLogReader(bench.folder, url).open(serial, Secret.fromText(pin)))
  undo.push(() => session.close())
  return session
}

it('reads the log that the shell reads, frees what it is told to, and says what is audited', async (ctx) => {
  const bench = await start(ctx)
  await makeKey(bench)
  await bench.shell('-a', 'put-option', '--opt-name', 'command-audit', '--opt-value', auditSigning)
  const signing = await bench.session()
  for (let count = 0; count < 3; count++) await signMessage(signing, randomBytes(20))
  const printed = await bench.shell('-a', 'get-logs')
  const theirs = [...printed.matchAll(/hash: (\w+)$/gm)].map((match) => match[1])

  const session = await open(bench)
  const read = must(await session.read())
  const { entries } = must(parseDrainAnswer(read.answer))
  expect(entries.map(({ digest }) => Buffer.from(digest).toString('hex'))).toEqual(theirs)
  expect(entries).toHaveLength(5)
  const [first] = entries
  expect(first !== undefined && isReset(first)).toBe(true)
  expect({ used: read.used, capacity: read.capacity }).toEqual({ used: 5, capacity: 62 })

  expect(must(await session.free(entries.at(-1)?.number ?? 0))).toBeNull()
  expect(must(await session.state())).toMatchObject({
    used: 0,
    audit: {
      force: 0,
      commands: [0x47, 0x55, 0x56, 0x4f, 0x5d, 0x64, 0x6a].map((command) => ({ command, value: 1 })),
    },
  })
  expect(await bench.shell('-a', 'get-logs')).not.toContain('item:')
})

it('tells without a PIN which device is there and how full its log is', async (ctx) => {
  const bench = await start(ctx)
  const reader = deviceLogReader(bench.folder, bench.connector.url)
  expect(await reader.look()).toEqual([{ serial, firmware: '2.4.0', capacity: 62, used: 2 }])
  bench.connector.unplug()
  expect(await reader.look()).toEqual([])
})

it('holds no session of the 16 while nobody reads', async (ctx) => {
  const bench = await start(ctx)
  const session = await open(bench)
  for (let round = 0; round < 20; round++) must(await session.read())
  // The shell still gets one.
  expect(await bench.shell('-a', 'get-logs')).toContain('item:')
})

it('says what is wrong, and wipes the PIN whatever it is', async (ctx) => {
  const bench = await start(ctx)
  const reader = deviceLogReader(bench.folder, bench.connector.url)
  const attempt = async (text: string, of = serial) => {
    const pin = Secret.fromText(text)
    const opened = await reader.open(of, pin)
    expect([...pin.reveal()].every((byte) => byte === 0)).toBe(true)
    if (!opened.ok) return opened.error.code
    const code = codeOf(await opened.value.read())
    await opened.value.close()
    return code
  }
  expect(await attempt(defaultPin)).toBe('ok')
  expect(await attempt('0001passwords')).toBe('pin-incorrect')
  expect(await attempt('0007password')).toBe('pin-incorrect')
  expect(await attempt('@0001password')).toBe('log-login-unsupported')
  expect(await attempt('#key#0001pin')).toBe('log-login-unsupported')
  expect(await attempt(defaultPin, '01111111')).toBe('token-absent')
  const may = ['-c', 'sign-ecdsa', '--delegated', 'sign-ecdsa']
  const signer = ['put-authentication-key', '-i', '5', '-l', 'signer', ...may, '--new-password', 'only-to-sign']
  await bench.shell('-a', ...signer)
  expect(await attempt('0005only-to-sign')).toBe('log-not-permitted')
  bench.connector.unplug()
  expect(await attempt(defaultPin)).toBe('connector-silent')
})

it('refuses connectors that are not HTTP on this machine, with a sentence', async (ctx) => {
  const bench = await start(ctx)
  for (const url of ['yhusb://serial=7550140', 'http://192.0.2.1:12345', 'https://127.0.0.1:12345']) {
    const opened = await deviceLogReader(bench.folder, url).open(serial, Secret.fromText(defaultPin))
    if (opened.ok) throw new Error('opened')
    expect(opened.error.code).toBe('connector-not-used')
    expect(opened.error.message).toContain('direct USB (yhusb://) and connectors on other machines are not supported')
  }
})

it('reads nothing from another device that was put in its place, though it has the same password', async (ctx) => {
  const bench = await start(ctx)
  const session = await open(bench)
  expect(codeOf(await session.read())).toBe('ok')
  bench.connector.plug(new VirtualYubiHsm({ serial: 2_222_222 }))
  expect(codeOf(await session.read())).toBe('token-swapped')
  expect(codeOf(await session.free(2))).toBe('token-swapped')
  bench.connector.plug(bench.device)
  expect(codeOf(await session.read())).toBe('ok')
})

it('takes nothing from a connector that changes, repeats or cuts what the device says', async (ctx) => {
  let clock = 0
  const bench = await start(ctx, { now: () => clock })
  let spoil: (answer: Buffer, nth: number) => Buffer = (answer) => answer
  let nth = 0
  const between = createServer((request, response) => {
    void (async () => {
      const asked: Buffer[] = []
      for await (const part of request) asked.push(Buffer.from(part as Uint8Array))
      nth += 1
      const answer = Buffer.from(await bench.device.exchange(Buffer.concat(asked)))
      response.end(spoil(answer, nth))
    })()
  })
  between.listen(0, '127.0.0.1')
  await once(between, 'listening')
  undo.push(async () => {
    between.closeAllConnections()
    between.close()
  })
  const session = await open(bench, defaultPin, `http://127.0.0.1:${(between.address() as AddressInfo).port}`)
  const readWith = async (change: typeof spoil) => {
    nth = 0
    spoil = change
    // So that the sessions that were left open may be used anew.
    clock += 60_000
    return codeOf(await session.read())
  }
  expect(await readWith((answer) => answer)).toBe('ok')
  const exchanges = nth
  // CREATE SESSION, AUTHENTICATE SESSION, DEVICE INFO, GET LOG ENTRIES, CLOSE SESSION.
  expect(exchanges).toBe(5)
  let before: Buffer = Buffer.alloc(0)
  for (const at of [1, 3, 4]) {
    const change = (with_: (answer: Buffer) => Buffer) => (answer: Buffer, n: number) =>
      n === at ? with_(answer) : answer
    for (const place of at === 3 ? [0, 2, 6] : [0, 2, 3, 8, -8, -1]) {
      const flipped = change((answer) => {
        const copy = Buffer.from(answer)
        const index = place < 0 ? copy.length + place : place
        copy[index] = (copy[index] ?? 0) ^ 1
        return copy
      })
      expect(await readWith(flipped), `answer ${at}, byte ${place}`).toMatch(
        /^(connector-silent|pin-incorrect|token-error|token-swapped)$/,
      )
    }
    expect(await readWith(change((answer) => answer.subarray(0, -1)))).toBe('connector-silent')
    expect(await readWith(change(() => Buffer.alloc(0)))).toBe('connector-silent')
    expect(await readWith(change((answer) => Buffer.concat([answer, Buffer.alloc(10_000)])))).toBe('connector-silent')
  }
  // The answer of an earlier session, and that of DEVICE INFO once more.
  const older = (answer: Buffer, n: number) => {
    if (n !== 4) return answer
    const again = before
    before = answer
    return again.length === 0 ? answer : again
  }
  expect(await readWith(older)).toBe('ok')
  expect(await readWith(older)).toBe('connector-silent')
  let info: Buffer = Buffer.alloc(0)
  expect(
    await readWith((answer, n) => {
      if (n === 3) info = answer
      return n === 4 ? info : answer
    }),
  ).toBe('connector-silent')
  // An error that is not in the session proves nothing, and ends the attempt all the same.
  expect(await readWith((answer, n) => (n === 4 ? Buffer.from('7f000109', 'hex') : answer))).not.toBe('ok')
})
