import { describe, expect, it } from 'vitest'
import { err, ok, type Result } from '../../shared/result.ts'
import { createCheckpointKeeper } from './checkpoint-keeper.ts'
import type { CheckpointFailure, WrittenCheckpoint } from './checkpointer.ts'

// The clock and the timer are turned by hand, and each write is answered by hand.
function bench() {
  let time = 0
  const timers = new Map<number, () => void>()
  const answers: ((result: Result<WrittenCheckpoint, CheckpointFailure>) => void)[] = []
  const contradictions: string[] = []
  let writes = 0
  let ended = false
  const keeper = createCheckpointKeeper({
    checkpointer: {
      write: () => {
        writes += 1
        return new Promise((resolve) => answers.push(resolve))
      },
      warnings: () => [],
      copied: async () => {},
      end: () => {
        ended = true
      },
    },
    last: { size: 4, at: '2026-01-01T00:00:00.000Z' },
    after: (ms, then) => {
      timers.set(time + ms, then)
      return () => void timers.delete(time + ms)
    },
    now: () => new Date(time),
    onChange: () => {},
    onDefect: (error) => {
      throw error
    },
    onContradiction: (failure) => contradictions.push(failure.code),
  })
  return {
    keeper,
    contradictions,
    writes: () => writes,
    ended: () => ended,
    due: () => [...timers.keys()],
    /** Lets time pass up to the next timer. */
    pass: () => {
      const [at = time] = [...timers.keys()].sort((a, b) => a - b)
      time = at
      const then = timers.get(at)
      timers.delete(at)
      then?.()
    },
    answer: async (size: number, failure: CheckpointFailure | null = null) => {
      answers.shift()?.(failure === null ? ok({ size, note: 'note', at: '2026-01-02T00:00:00.000Z' }) : err(failure))
      await new Promise(setImmediate)
    },
  }
}

const notSigned: CheckpointFailure = { kind: 'unavailable', code: 'checkpoint-not-signed', message: 'Not signed.' }

describe('checkpoints while the station works', () => {
  it('are one for all entries that come together, however many', () => {
    const { keeper, writes, due, pass } = bench()
    for (let entry = 0; entry < 500; entry += 1) keeper.soon()
    expect({ writes: writes(), due: due() }).toEqual({ writes: 0, due: [500] })
    pass()
    expect(writes()).toBe(1)
  })

  it('come seldom while entries keep coming, and none is forgotten', async () => {
    const { keeper, writes, due, pass, answer } = bench()
    keeper.soon()
    pass()
    keeper.soon()
    keeper.soon()
    expect(writes()).toBe(1)
    await answer(5)
    expect(due()).toEqual([2500])
    keeper.soon()
    pass()
    expect(writes()).toBe(2)
    await answer(7)
    expect({ due: due(), state: keeper.state() }).toMatchObject({ due: [], state: { size: 7, warnings: [] } })
  })

  it('that were not signed are a warning, and are tried again on their own and with the next entry', async () => {
    const { keeper, due, pass, answer } = bench()
    keeper.soon()
    pass()
    await answer(0, notSigned)
    expect(keeper.state()).toMatchObject({ size: 4, warnings: [{ code: 'checkpoint-not-signed' }] })
    expect(due()).toEqual([30_500])
    keeper.soon()
    expect(due()).toEqual([2_500])
    pass()
    await answer(5)
    expect(keeper.state()).toMatchObject({ size: 5, warnings: [] })
  })

  it('that contradict what is in the log are told at once, and none follows', async () => {
    const { keeper, contradictions, due, pass, answer } = bench()
    keeper.soon()
    pass()
    await answer(0, { kind: 'invalid', code: 'checkpoint-contradicted', message: 'It was cut.' })
    expect({ contradictions, due: due() }).toEqual({ contradictions: ['checkpoint-contradicted'], due: [] })
  })

  it('end at once, without one more, when the log is found broken', () => {
    const { keeper, writes, due, ended } = bench()
    keeper.soon()
    keeper.end()
    keeper.soon()
    expect({ due: due(), writes: writes(), ended: ended() }).toEqual({ due: [], writes: 0, ended: true })
  })

  it('end with one for what is not signed for yet', async () => {
    const { keeper, writes, due, answer } = bench()
    await keeper.stop()
    expect(writes()).toBe(0)
    const other = bench()
    other.keeper.soon()
    const stopped = other.keeper.stop()
    expect(other.writes()).toBe(1)
    await other.answer(5)
    await stopped
    other.keeper.soon()
    expect({ due: [...due(), ...other.due()], writes: other.writes() }).toEqual({ due: [], writes: 1 })
    await answer(0)
  })
})
