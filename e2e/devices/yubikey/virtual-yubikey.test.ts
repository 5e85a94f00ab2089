import { randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { authenticate, freshKey, generate, selectPiv, send, signIn, verifyPin } from './testing/card-talk.ts'
import type { VirtualYubiKey, YubiKeyOptions } from './virtual-yubikey.ts'

const digest = randomBytes(32)
const sign = (key: VirtualYubiKey) => signIn(key, 0x9a, 0x11, digest).then(({ sw }) => sw.toString(16))

async function touchKey(touch: 2 | 3, options: YubiKeyOptions): Promise<VirtualYubiKey> {
  const key = await freshKey(options)
  await authenticate(key)
  await generate(key, 0x9a, 0x11, { pin: 1, touch })
  return key
}

describe('a finger', () => {
  it('is waited for, and the answer withheld until it comes', async () => {
    const key = await touchKey(2, { finger: 'away', touchTimeoutMs: null })
    let answered = false
    const signed = sign(key).finally(() => (answered = true))
    await key.touchAwaited()
    expect([key.blinking, answered]).toEqual([true, false])
    key.touch()
    expect([await signed, key.blinking]).toEqual(['9000', false])
  })

  it('that does not come makes the key give up', async () => {
    const key = await touchKey(2, { finger: 'away' })
    vi.useFakeTimers()
    try {
      const signed = sign(key)
      await key.touchAwaited()
      vi.advanceTimersByTime(14_999)
      expect(key.blinking).toBe(true)
      vi.advanceTimersByTime(1)
      expect([await signed, key.blinking]).toEqual(['6982', false])
    } finally {
      vi.useRealTimers()
    }
  })

  it('is wanted each time, or counts for 15 seconds', async () => {
    let now = 0
    for (const [policy, blinks] of [
      [2, [true, true, true]],
      [3, [true, false, true]],
    ] as const) {
      now = 1_000_000
      const key = await touchKey(policy, { finger: 'away', touchTimeoutMs: null, now: () => now })
      const seen: boolean[] = []
      for (const later of [0, 14_999, 1]) {
        now += later
        const signed = sign(key)
        seen.push(key.blinking)
        key.touch()
        expect(await signed).toBe('9000')
      }
      expect(seen).toEqual(blinks)
    }
  })

  it('that touches before it is asked does nothing', async () => {
    const key = await touchKey(2, { finger: 'away', touchTimeoutMs: null })
    key.touch()
    const signed = sign(key)
    expect(key.blinking).toBe(true)
    key.letTouchExpire()
    expect(await signed).toBe('6982')
  })

  it('is asked for only when the PIN is there', async () => {
    const key = await freshKey({ finger: 'away', touchTimeoutMs: null })
    await authenticate(key)
    await generate(key, 0x9a, 0x11, { pin: 2, touch: 2 })
    expect([await sign(key), key.blinking]).toEqual(['6982', false])
    await verifyPin(key)
    const signed = sign(key)
    expect(key.blinking).toBe(true)
    key.touch()
    expect(await signed).toBe('9000')
  })
})

describe('the end of a key', () => {
  it('while it blinks leaves the command without an answer, and the key as it was', async () => {
    const key = await touchKey(2, { finger: 'away', touchTimeoutMs: null })
    const signed = expect(sign(key)).rejects.toThrow('no answer')
    await key.touchAwaited()
    key.removed()
    await signed
    await selectPiv(key)
    key.finger = 'on-the-key'
    expect(await sign(key)).toBe('9000')
  })

  it('in a command comes after the command was received', async () => {
    const key = await touchKey(2, {})
    let cut = 0
    key.onDeath(() => (cut += 1))
    key.dieIn(({ ins }) => ins === 0x87)
    expect(await send(key, 0xfd, 0, 0)).toMatchObject({ sw: 0x9000 })
    await expect(sign(key)).rejects.toThrow('no answer')
    expect([cut, key.exchanges.at(-1)]).toEqual([1, { ins: 0x87, p1: 0x11, p2: 0x9a, sw: null }])
  })
})
