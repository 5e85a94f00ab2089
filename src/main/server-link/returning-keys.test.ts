import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../shared/ids.ts'
import type { OfferedKey } from '../debusine/server.ts'
import { handClock } from '../debusine/testing/hand-clock.ts'
import { createReturningKeys } from './returning-keys.ts'

const key = (digit: string): OfferedKey => ({ purpose: 'uefi', fingerprint: fingerprint.parse(digit.repeat(64)) })
const [a, b] = [key('A'), key('B')]
const nothingHeld = { againInMs: null }

function bench() {
  const clock = handClock()
  return { clock, admit: createReturningKeys(() => clock.now()) }
}

describe('a key that comes and goes', () => {
  it('is offered at once the first time, and withdrawn at once', () => {
    const { admit } = bench()
    expect(admit([a])).toEqual({ offered: [a], ...nothingHeld })
    expect(admit([])).toEqual({ offered: [], ...nothingHeld })
  })

  it('waits longer each time that it was lost, up to a minute, and no other key waits with it', () => {
    const { clock, admit } = bench()
    const waits: (number | null)[] = []
    admit([a, b])
    for (let turn = 0; turn < 8; turn += 1) {
      expect(admit([b]).offered).toEqual([b])
      const { offered, againInMs } = admit([a, b])
      expect(offered).toEqual([b])
      waits.push(againInMs)
      clock.advance((againInMs ?? 0) - 1)
      expect(admit([a, b])).toEqual({ offered: [b], againInMs: 1 })
      clock.advance(1)
      expect(admit([a, b])).toEqual({ offered: [a, b], ...nothingHeld })
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })

  it('that was away for longer than the pause is back at once', () => {
    const { clock, admit } = bench()
    admit([a])
    admit([])
    clock.advance(2_000)
    expect(admit([a])).toEqual({ offered: [a], ...nothingHeld })
  })

  it('and stayed for five minutes is as one that was never lost', () => {
    const { clock, admit } = bench()
    for (let turn = 0; turn < 6; turn += 1) {
      admit([a])
      admit([])
      clock.advance(60_000)
    }
    admit([a])
    clock.advance(300_000)
    admit([a])
    admit([])
    expect(admit([a]).againInMs).toBe(2_000)
  })

  it('makes no more than two changes a minute, however fast it flaps', () => {
    const { clock, admit } = bench()
    let changes = 0
    let last = ''
    const minutes = 30
    for (let tick = 0; tick < minutes * 600; tick += 1) {
      const { offered } = admit(tick % 2 === 0 ? [a] : [])
      if (last !== JSON.stringify(offered)) changes += 1
      last = JSON.stringify(offered)
      clock.advance(100)
    }
    // Six pairs while the pause grows, then one pair a minute.
    expect(changes).toBeGreaterThan(minutes)
    expect(changes).toBeLessThanOrEqual(2 * (minutes + 6))
  })

  it('is not held for longer by a clock that is set back', () => {
    const { clock, admit } = bench()
    admit([a])
    admit([])
    clock.advance(-86_400_000)
    expect(admit([a]).againInMs).toBe(2_000)
  })
})
