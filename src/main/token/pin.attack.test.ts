import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descriptors } from './protocol.ts'
import { softHsmModule } from './testing/soft-token.ts'
import { hostEntry, open, openAll, referenceTo, requestsFor, TokenBench } from './testing/token-bench.ts'

// Whatever goes wrong, the PIN must not come back: not in a message, an error, a log line, an argument or the environment.

const pin = 'PIN-marker-58f1c7'
const wrongPin = 'PIN-marker-wrong1'
const marker = 'PIN-marker'

describe.skipIf(softHsmModule() === null)('the PIN (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  beforeAll(async () => {
    bench = await TokenBench.make([
      {
        label: 'one',
        pin,
        keys: [{ algorithm: 'rsa-2048' }, { algorithm: 'rsa-2048', ckaId: '0a', alwaysAuthenticate: true }],
      },
    ])
  })
  afterAll(() => bench.dispose())

  test('is in no log line and no result, whether it is right, wrong or too long', async () => {
    const service = bench.service()
    const results: unknown[] = []
    for (const index of [0, 1]) {
      const key = referenceTo(bench.token(), index)
      results.push(await open(service, key, wrongPin), await open(service, key, marker.repeat(30)))
      const session = await open(service, key, pin)
      results.push(session)
      if (session.ok) {
        results.push(await session.value.signMany(requestsFor(key, 3)))
        results.push(await session.value.sign({ scheme: 'ecdsa-sha256', digest: Buffer.alloc(32) }))
        await session.value.close()
      }
    }
    const keys = [referenceTo(bench.token(), 0), referenceTo(bench.token(), 1)]
    for (const typed of [wrongPin, pin]) {
      const several = openAll(service, keys, [[bench.token(), typed]])
      const sessions = await several.opened
      results.push(sessions, several.pins)
      expect(several.pins.map((each) => Buffer.from(each.pin.reveal()).toString())).toEqual(['\0'.repeat(typed.length)])
      if (!sessions.ok) continue
      for (const session of sessions.value) {
        results.push(await session.sign({ scheme: 'rsa-pkcs1-sha256', digest: Buffer.alloc(32) }))
        await session.close()
      }
    }
    results.push(await service.list({ refresh: true }))
    const told = `${bench.log.join('')}${JSON.stringify(results)}${inspect(results, { depth: 12, showHidden: true })}`
    expect(told).toContain('pin-incorrect')
    expect(told).not.toContain(marker)
    expect(told).not.toContain(Buffer.from(marker).toString('base64').slice(0, 12))
    expect(told).not.toContain(Buffer.from(marker).toString('hex'))
  })

  test('is in no message, no argument and no environment of the token process, not even after nonsense', async () => {
    const { module, configuration } = bench.soft
    const host = fork(hostEntry, ['module', module], {
      execArgv: [],
      env: { SOFTHSM2_CONF: configuration },
      serialization: 'advanced',
      stdio: ['pipe', 'pipe', 'pipe', 'ipc', 'pipe'],
    })
    const received: Buffer[] = []
    host.stdout?.on('data', (chunk: Buffer) => received.push(chunk))
    host.stderr?.on('data', (chunk: Buffer) => received.push(chunk))
    const key = referenceTo(bench.token(), 0)
    const token = bench.token().id
    const next = inbox(host)
    const messages: unknown[] = [await next()]
    const ask = async (message: object, typed?: string) => {
      const pipe = host.stdio[descriptors.pinPipe]
      if (typed !== undefined && pipe instanceof Writable) pipe.write(typed)
      host.send(message)
      for (;;) {
        const answer = await next()
        messages.push(answer)
        if (kindOf(answer) === 'done' || kindOf(answer) === 'failed' || kindOf(answer) === 'defect') return
      }
    }
    const body = {
      op: 'open',
      session: 0,
      token,
      ckaId: '01',
      algorithm: key.algorithm,
      spkiSha256: key.spkiSha256,
      useLastTry: false,
    }
    await ask({ ...body, id: 1, pinLength: wrongPin.length }, wrongPin)
    await ask({ ...body, id: 2, pinLength: pin.length }, pin)
    await ask({ op: 'sign', id: 3, session: 0, requests: requestsFor(key, 2) })
    // A number that is in use: refused, with the PIN read and wiped.
    await ask({ ...body, id: 4, pinLength: pin.length }, pin)
    for (const file of ['cmdline', 'environ']) received.push(readFileSync(`/proc/${host.pid}/${file}`))
    // A PIN in a message is refused as a defect of ours, and its text is not repeated.
    await ask({ ...body, id: 5, pinLength: pin.length, pin })
    await new Promise((resolve) => {
      host.once('close', resolve)
    })
    expect(messages.map(kindOf)).toEqual([
      'ready',
      'signal',
      'failed',
      'signal',
      'done',
      'signature',
      'signature',
      'done',
      'failed',
      'defect',
    ])
    const told = `${inspect(messages, { depth: 12, maxStringLength: null })}${Buffer.concat(received).toString('latin1')}`
    expect(told).toContain('pin-incorrect')
    expect(told).not.toContain(marker)
  })

  test('dies with the token process at the end of the session', async () => {
    const before = tokenProcesses()
    const session = await open(bench.service(), referenceTo(bench.token(), 0), pin)
    const during = tokenProcesses().filter((host) => !before.includes(host))
    expect(during.length).toBe(1)
    if (session.ok) await session.value.close()
    await expect.poll(() => during.filter((host) => existsSync(`/proc/${host}`))).toEqual([])
  })
})

/** Messages as they come; the channel may deliver several at once. */
function inbox(host: ChildProcess): () => Promise<unknown> {
  const waiting: unknown[] = []
  let wake = () => {}
  host.on('message', (message) => {
    waiting.push(message)
    wake()
  })
  return async () => {
    if (waiting.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return waiting.shift()
  }
}

function kindOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'kind' in message ? message.kind : null
}

/** Children of this test that run the token process. */
function tokenProcesses(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  return children
    .filter((child) => child !== '' && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('token/host/index.ts'))
    .map(Number)
}
