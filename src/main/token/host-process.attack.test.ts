import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../shared/ids.ts'
import { silentLog } from '../log/logger.ts'
import { createTokenService } from './service.ts'
import { open } from './testing/token-bench.ts'
import type { KeyReference } from './token-service.ts'

// A vendor's module runs inside the token process: whoever controls the module controls every message that comes from it.

const registered = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const spkiOf = (pair: typeof registered) => pair.publicKey.export({ type: 'spki', format: 'der' })
const message = Buffer.from('what was shown')
const digest = createHash('sha256').update(message).digest()
const right = sign('sha256', message, registered.privateKey)

/** A token process in the attacker's hands: answers as the real one does, except where `changes` say otherwise. */
const hostileHost = (changes: string) => `
const bytes = (text) => Buffer.from(text, 'base64')
const spki = bytes('${spkiOf(registered).toString('base64')}'), otherSpki = bytes('${spkiOf(other).toString('base64')}')
const right = bytes('${right.toString('base64')}'), foreign = bytes('${sign('sha256', message, other.privateKey).toString('base64')}')
const elsewhere = bytes('${sign('sha256', Buffer.from('something else'), registered.privateKey).toString('base64')}')
const done = (id, value) => process.send({ kind: 'done', id, value, calls: 0 })
const signature = (id, index, value) => process.send({ kind: 'signature', id, index, signature: value })
const act = {
  'has-token': ({ id }) => done(id, true),
  'check-token': ({ id }) => done(id, null),
  open: ({ id }) => done(id, { spki, touch: 'never' }),
  sign: ({ id, requests }) => { requests.forEach((_, index) => signature(id, index, right)); done(id, { signed: requests.length }) },
  'reread-public-key': ({ id }) => done(id, spki),
  close: ({ id }) => done(id, null),
  ...{ ${changes} },
}
process.on('message', (request) => act[request.op]?.(request))
process.on('disconnect', () => process.exit())
process.send({ kind: 'ready' })
`

const key: KeyReference = {
  home: { kind: 'token', token: { manufacturer: 'm', model: 'm', serial: '1' }, ckaId: '01', pkcs11Uri: '' },
  algorithm: 'rsa-2048',
  spkiSha256: sha256Hex.parse(createHash('sha256').update(spkiOf(registered)).digest('hex')),
  sealed: null,
}

describe('a hostile token process', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hostile-host-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const signTwice = async (changes: string): Promise<string[]> => {
    const hostEntry = join(folder, `${randomBytes(6).toString('hex')}.mjs`)
    writeFileSync(hostEntry, hostileHost(changes))
    const service = createTokenService({
      node: process.execPath,
      hostEntry,
      modules: ['/m.so'],
      serviceKeysFolder: folder,
      environment: {},
      deadlines: { sign: 2000 },
      log: silentLog,
    })
    try {
      const session = await open(service, key, 'a PIN')
      if (!session.ok) return [session.error.code]
      const request = { scheme: 'rsa-pkcs1-sha256', digest } as const
      const outcomes = await session.value.signMany([request, request])
      return outcomes.map((outcome) => (outcome.ok ? 'signature' : outcome.error.code))
    } finally {
      await service.reset()
    }
  }

  test('is harmless where it does what it should', async () => {
    expect(await signTwice('')).toEqual(['signature', 'signature'])
  })

  test.for<[string, string, string[]]>([
    ['shows another key', 'open: ({ id }) => done(id, { spki: otherSpki, touch: "never" })', ['key-mismatch']],
    [
      'signs with another key',
      'sign: ({ id }) => { signature(id, 0, foreign); done(id, { signed: 2 }) }',
      ['signature-wrong'],
    ],
    [
      'signs something else',
      'sign: ({ id }) => { signature(id, 0, elsewhere); done(id, { signed: 2 }) }',
      ['signature-wrong'],
    ],
    [
      'admits another key afterwards',
      'sign: ({ id }) => { signature(id, 0, foreign); done(id, { signed: 2 }) }, "reread-public-key": ({ id }) => done(id, otherSpki)',
      ['token-swapped'],
    ],
    [
      'swaps the order',
      'sign: ({ id }) => { signature(id, 1, right); signature(id, 0, right); done(id, { signed: 2 }) }',
      ['signature-wrong'],
    ],
    [
      'repeats a signature',
      'sign: ({ id }) => { signature(id, 0, right); signature(id, 0, right); done(id, { signed: 2 }) }',
      ['signature', 'signature-wrong'],
    ],
    [
      'gives more than was asked',
      'sign: ({ id }) => { for (const i of [0, 1, 2]) signature(id, i, right); done(id, { signed: 3 }) }',
      ['signature', 'signature', 'signature-wrong'],
    ],
    [
      'gives less and says that it is done',
      'sign: ({ id }) => { signature(id, 0, right); done(id, { signed: 2 }) }',
      ['signature', 'token-error'],
    ],
    ['answers a call that was not made', 'sign: ({ id }) => { signature(id + 7, 0, right) }', ['module-crashed']],
    [
      'adds a field to a message',
      'sign: ({ id }) => process.send({ kind: "signature", id, index: 0, signature: right, pin: "1234" })',
      ['module-crashed'],
    ],
    ['sends a signature as text', 'sign: ({ id }) => signature(id, 0, right.toString("base64"))', ['module-crashed']],
    ['sends a huge signature', 'sign: ({ id }) => signature(id, 0, Buffer.alloc(1e6))', ['module-crashed']],
    ['sends nothing that makes sense', 'sign: () => process.send("x".repeat(1e6))', ['module-crashed']],
    ['answers with the shape of another call', 'open: ({ id }) => done(id, true)', ['module-crashed']],
    ['never answers', 'sign: () => {}', ['module-timeout']],
    ['hangs up', 'sign: () => process.disconnect()', ['module-crashed']],
    ['exits', 'sign: () => process.exit(0)', ['module-crashed']],
  ])('that %s gets nothing wrong through', async ([, changes, outcomes]) => {
    expect(await signTwice(changes)).toEqual(outcomes)
  })

  const openTwo = async (changes: string): Promise<unknown> => {
    const hostEntry = join(folder, `${randomBytes(6).toString('hex')}.mjs`)
    // Honest as far as `changes` leaves it: the second session has the second key.
    const honest = `
      open: ({ id, session }) => done(id, { spki: session === 0 ? spki : otherSpki, touch: "never" }),
      sign: ({ id, session }) => { signature(id, 0, session === 0 ? right : foreign); done(id, { signed: 1 }) },
      "reread-public-key": ({ id, session }) => done(id, session === 0 ? spki : otherSpki),`
    writeFileSync(hostEntry, hostileHost(`${honest}${changes}`))
    const service = createTokenService({
      node: process.execPath,
      hostEntry,
      modules: ['/m.so'],
      serviceKeysFolder: folder,
      environment: {},
      deadlines: { sign: 2000 },
      log: silentLog,
    })
    try {
      const second = sha256Hex.parse(createHash('sha256').update(spkiOf(other)).digest('hex'))
      const options = { signal: new AbortController().signal, onSignal: () => {} }
      const opened = await service.openSessions([key, { ...key, spkiSha256: second }], [], options)
      if (!opened.ok) return [opened.error.code, opened.error.position]
      const request = { scheme: 'rsa-pkcs1-sha256', digest } as const
      const outcomes = []
      for (const session of [...opened.value].reverse()) outcomes.push(await session.sign(request))
      return outcomes.map((outcome) => (outcome.ok ? 'signature' : outcome.error.code))
    } finally {
      await service.reset()
    }
  }

  // The second key is asked first.
  test.for<[string, string, unknown]>([
    ['does what it should', '', ['signature', 'signature']],
    ['shows the first key for the second', 'open: ({ id }) => done(id, { spki, touch: "never" })', ['key-mismatch', 1]],
    [
      'signs with the first key for the second',
      'sign: ({ id }) => { signature(id, 0, right); done(id, { signed: 1 }) }',
      ['signature-wrong', 'session-ended'],
    ],
    [
      'answers the look at a token with something else',
      '"check-token": ({ id }) => done(id, { ok: true })',
      ['module-crashed', 0],
    ],
    [
      'dies between the first and the second',
      'open: ({ id, session }) => session === 0 ? done(id, { spki, touch: "never" }) : process.exit(0)',
      ['module-crashed', 1],
    ],
    [
      'answers for the first when the second is asked',
      'sign: ({ id, session }) => { signature(id - 1, 0, right) }',
      ['module-crashed', 'session-ended'],
    ],
  ])('with two keys, that %s, gets nothing wrong through', async ([, changes, outcomes]) => {
    expect(await openTwo(changes)).toEqual(outcomes)
  })
})
