import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviceUseOf } from './device-commands.ts'
import { isBoot, isReset, linkOf, parseDeviceEntry } from './device-entry.ts'
import { parseDrainAnswer, tokenSerialOf } from './drain-answer.ts'
import { answerOf, entryOf, makeDevice, makeEntry } from './testing/device.ts'

const hexBytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/**
 * Entries of real devices, as their maker published them: developers.yubico.com, YubiHSM2/Commands/Get_Log_Entries (46 to 51) and
 * Yubico/developers.yubico.com issue 151 (2939, 2940). Written there in decimal and hex fields, here as the 32 bytes.
 */
const published = [
  '002e 4b 00ea 0001 cf94 997e cb 00051f6d 415f51f1f035a1b713e730e4464e4033',
  '002f 4c 004d 0001 aff7 ffff cc 00055de2 5496a60d478c2b9c801d8d32ca66b554',
  '0030 00 0000 ffff 0000 0000 00 00000000 14ac7747ba9bbb243cfc70befeb5349b',
  '0031 03 000a ffff 0001 ffff 83 0000008b b20a8f25c025e693a8e869b433294a20',
  '0032 04 0011 ffff 0001 ffff 84 0000008b ebfae425c319ac7a0afbb8b92597de7c',
  '0033 67 0002 0001 ffff ffff e7 000002b9 2e395d1b706668737e1d2215813db47e',
].map((text) => entryOf(hexBytes(text)))
const publishedPair = [
  '0b7b 67 0002 0002 ffff ffff e7 000e054c 74f278391b5b3296fe5dc9d1a29a3fb2',
  '0b7c 03 000a ffff 0002 ffff 83 000e1193 f8f42a9d65def0b4394fbf865accfc06',
].map((text) => entryOf(hexBytes(text)))

const links = (entries: readonly Parameters<typeof linkOf>[0][]) =>
  entries.slice(1).map((entry, index) => linkOf(entries[index] ?? entry, entry))

describe('entries that real devices wrote', () => {
  it('are chained', () => {
    expect(links(published).map(({ kind }) => kind)).toEqual(['chained', 'chained', 'chained', 'chained', 'chained'])
    expect(links(publishedPair)).toEqual([{ kind: 'chained' }])
  })

  it('have the published fields', () => {
    expect(published[0]).toMatchObject({
      number: 46,
      command: 0x4b,
      length: 234,
      sessionKey: 1,
      targetKey: 0xcf94,
      secondKey: 0x997e,
      result: 0xcb,
      systick: 335_725,
    })
    expect(published.map(isBoot)).toEqual([false, false, true, false, false, false])
  })

  it('make an answer that is read', () => {
    expect(parseDrainAnswer(answerOf(published))).toEqual({
      ok: true,
      value: { unloggedBoots: 0, unloggedAuthentications: 0, entries: published },
    })
  })

  it('are those that the maker’s device tests expect after a reset', () => {
    const device = makeDevice('reset')
    device.boot()
    const [reset, boot] = device.entries()
    // tests/device/test_logs.py of python-yubihsm, test_logs_after_reset.
    expect(reset?.raw.subarray(0, 16)).toEqual(new Uint8Array(hexBytes(`0001${'ff'.repeat(14)}`)))
    expect(boot?.raw.subarray(0, 16)).toEqual(new Uint8Array(hexBytes('0002 00 0000 ffff 0000 0000 00 00000000')))
    expect(device.entries().map(isReset)).toEqual([true, false])
  })
})

describe('the documented sample', () => {
  const page = readFileSync(new URL('../../../../docs/formats/device-log.md', import.meta.url), 'utf8')
  const block = (name: string) => new RegExp(`^\`\`\`${name}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)?.[1]?.trim() ?? ''
  const lines = block('device-entries').split('\n')
  const entries = lines.map((line) => entryOf(hexBytes(line)))
  const start = hexBytes('00112233445566778899aabbccddeeff')

  it('has the digests that openssl computes', () => {
    const computed = entries.map((entry, index) => {
      const input = Buffer.concat([entry.raw.subarray(0, 16), entries[index - 1]?.digest ?? start])
      const { stdout } = spawnSync('openssl', ['dgst', '-sha256', '-binary'], { input })
      return stdout.subarray(0, 16).toString('hex')
    })
    expect(computed).toEqual(lines.map((line) => line.slice(32)))
  })

  it('gives the digest that the page computes by hand', () => {
    const { stdout } = spawnSync('sh', ['-c', block('sh')], { encoding: 'utf8' })
    expect(stdout.trim()).toBe(lines[3]?.slice(32))
  })

  it('is one answer, whose number begins anew', () => {
    expect(parseDrainAnswer(hexBytes(block('device-answer')))).toEqual({
      ok: true,
      value: { unloggedBoots: 1, unloggedAuthentications: 0, entries },
    })
    expect(entries.map(({ number }) => number)).toEqual([65_534, 65_535, 0, 1, 2])
    expect(entries.map(deviceUseOf)).toEqual([
      null,
      null,
      null,
      { command: 'SIGN PKCS1', objectId: 0x64, signs: true, ours: true, result: 'done' },
      { command: 'SIGN ECDSA', objectId: 0x65, signs: true, ours: true, result: 'failed' },
    ])
  })
})

describe('how an entry stands to the one before', () => {
  const before = makeEntry(100, Buffer.alloc(16, 7), { command: 0x03 })
  const elsewhere = Buffer.alloc(16, 9)
  const links: readonly [string, number, Uint8Array, object][] = [
    ['follows', 101, before.digest, { kind: 'chained' }],
    ['has the number but not the digest', 101, elsewhere, { kind: 'broken' }],
    ['has the digest but not the number', 102, before.digest, { kind: 'misnumbered' }],
    ['comes after two that are missing', 103, elsewhere, { kind: 'gap', missing: 2 }],
    ['has the same number', 100, elsewhere, { kind: 'went-back' }],
    ['has a number from before', 99, elsewhere, { kind: 'went-back' }],
  ]
  it.each(links)('%s', (_name, number, previous, link) => {
    expect(linkOf(before, makeEntry(number, previous, { command: 0x47 }))).toEqual(link)
  })

  it('wraps to 0, or to 1 where the digest says so', () => {
    const last = makeEntry(0xffff, elsewhere, { command: 0x03 })
    expect(linkOf(last, makeEntry(0, last.digest, { command: 0x47 }))).toEqual({ kind: 'chained' })
    expect(linkOf(last, makeEntry(1, last.digest, { command: 0x47 }))).toEqual({ kind: 'chained' })
    expect(linkOf(last, makeEntry(2, last.digest, { command: 0x47 }))).toEqual({ kind: 'misnumbered' })
    expect(linkOf(last, makeEntry(3, elsewhere, { command: 0x47 }))).toEqual({ kind: 'gap', missing: 3 })
  })

  it('knows a reset', () => {
    const [reset] = makeDevice('new').entries()
    expect(reset && linkOf(before, reset)).toEqual({ kind: 'reset' })
  })
})

describe('commands', () => {
  const use = (command: number, targetKey: number, secondKey: number, result?: number) =>
    deviceUseOf(
      makeEntry(1, Buffer.alloc(16), { command, targetKey, secondKey, ...(result === undefined ? {} : { result }) }),
    )

  it('use the target, but for an attestation, which uses the second', () => {
    expect(
      [0x47, 0x49, 0x55, 0x56, 0x57, 0x59, 0x5d, 0x64, 0x6a].map((command) => use(command, 5, 6)?.objectId),
    ).toEqual([5, 5, 5, 5, 5, 5, 5, 6, 5])
    expect([0x49, 0x57, 0x59].map((command) => use(command, 5, 6)?.signs)).toEqual([false, false, false])
  })

  it('use no key of the device’s owner where the device attests with its own', () => {
    expect(use(0x64, 5, 0)).toBeNull()
  })

  it('did something unless they say that they failed', () => {
    const named = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0a, 0x0b, 0x0c, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x7f]
    const failed = Array.from({ length: 256 }, (_, result) => result).filter(
      (result) => use(0x47, 5, 0xffff, result)?.result === 'failed',
    )
    expect(failed).toEqual(named)
  })

  it('failed where a device says so with its error', () => {
    // Of the virtual YubiHSM (e2e/devices/yubihsm), which writes as a published log of a real one is: SIGN PKCS1, no such key.
    const raw = Buffer.from('000347003500011234ffff0b00000005534862bb85e12c253d0ec60be193c3c2', 'hex')
    const entry = parseDeviceEntry(raw)
    expect(entry === null ? null : deviceUseOf(entry)).toEqual({
      command: 'SIGN PKCS1',
      objectId: 0x1234,
      signs: true,
      ours: true,
      result: 'failed',
    })
  })

  it.each([0x53, 0x5c, 0x68, 0x71, 0x4d, 0x00, 0x7f, 0xff])('command %i uses no asymmetric key', (command) => {
    expect(use(command, 5, 6)).toBeNull()
  })
})

describe('bytes that are no answer', () => {
  it('are refused, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const parsed = parseDrainAnswer(bytes)
        if (parsed.ok) expect(bytes.length).toBe(5 + 32 * parsed.value.entries.length)
        else expect(['answer-malformed', 'answer-unchained']).toContain(parsed.error.code)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(parseDeviceEntry(bytes) === null).toBe(bytes.length !== 32)
      }),
    )
  })

  it('an answer with any bit changed is refused, but in its counters and in what its first entry says', () => {
    const device = makeDevice('bits')
    device.boot()
    device.login()
    device.sign(0x64)
    const answer = device.answer()
    const passed: number[] = []
    for (let bit = 0; bit < answer.length * 8; bit++) {
      const changed = Uint8Array.from(answer)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      if (parseDrainAnswer(changed).ok) passed.push(bit >> 3)
    }
    // The counters, which nothing covers; and the data of the first entry, which its own digest would have to show.
    expect([...new Set(passed)]).toEqual([0, 1, 2, 3, ...Array.from({ length: 14 }, (_, index) => 7 + index)])
  })

  it('an answer that is cut off, or has an entry left out, put in, doubled or moved is refused', () => {
    const device = makeDevice('moves')
    for (let i = 0; i < 6; i++) device.sign(0x64)
    const all = device.entries()
    const codeOf = (bytes: Uint8Array) => {
      const parsed = parseDrainAnswer(bytes)
      return parsed.ok ? 'taken' : parsed.error.code
    }
    expect(codeOf(device.answer().subarray(0, -1))).toBe('answer-malformed')
    expect(codeOf(Buffer.concat([device.answer(), Buffer.from([0])]))).toBe('answer-malformed')
    // What is missing at an end shows only beside what was stored before, and beside what comes next.
    expect([codeOf(answerOf(all.slice(1))), codeOf(answerOf(all.slice(0, -1)))]).toEqual(['taken', 'taken'])
    for (const index of [1, 2, 3, 4, 5]) {
      expect(codeOf(answerOf(all.toSpliced(index, 1)))).toBe('answer-unchained')
      const here = all[index]
      if (here === undefined) throw new Error('no entry')
      expect(codeOf(answerOf(all.toSpliced(index, 0, here)))).toBe('answer-unchained')
      expect(codeOf(answerOf(all.toSpliced(index, 1).toSpliced(index - 1, 0, here)))).toBe('answer-unchained')
    }
  })

  it('65 entries are refused, 64 are read', () => {
    const entries = [makeEntry(7, Buffer.alloc(16), { command: 1 })]
    while (entries.length < 65) {
      const last = entries.at(-1)
      if (last !== undefined) entries.push(makeEntry(last.number + 1, last.digest, { command: 1 }))
    }
    expect(parseDrainAnswer(answerOf(entries)).ok).toBe(false)
    expect(parseDrainAnswer(answerOf(entries.slice(0, 64))).ok).toBe(true)
  })
})

describe('a serial number', () => {
  it('is written as PKCS#11 writes it', () => {
    expect([7_550_140, 0, 4_294_967_295].map(tokenSerialOf)).toEqual(
      ['07550140', '00000000', '4294967295'].map((value) => ({ ok: true, value })),
    )
    expect([-1, 1.5, 2 ** 32, Number.NaN].map((serial) => tokenSerialOf(serial).ok)).toEqual([
      false,
      false,
      false,
      false,
    ])
  })
})
