import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DeviceLog } from './device-log.ts'
import type { KeyUse } from './key-use.ts'
import { quietParts } from './quiet-parts.ts'
import { makeEntry } from './testing/device.ts'

const entry = makeEntry(1, Buffer.alloc(16), { command: 0x47, targetKey: 0x64 })

const logs = fc
  .array(fc.record({ asked: fc.nat(4), stored: fc.nat(3), fresh: fc.nat(3) }), { minLength: 1, maxLength: 8 })
  .map((drains): DeviceLog => {
    let head = 0
    const made = drains.map(({ asked, stored, fresh }, index) => {
      const askedSeq = head + asked
      head = askedSeq + stored
      return {
        id: index + 1,
        askedSeq,
        storedSeq: head,
        storedAt: '',
        unloggedBoots: 0,
        unloggedAuthentications: 0,
        fresh,
      }
    })
    const entries = made.flatMap(({ id, fresh }) => Array.from({ length: fresh }, () => ({ drain: id, entry })))
    return {
      serial: '07550140',
      drains: made,
      entries: entries.map((each, index) => ({ ...each, place: index + 1 })),
    }
  })
const someUses = fc
  .uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 12 })
  .chain((seqs) =>
    fc.tuple(
      ...seqs.toSorted((a, b) => a - b).map((seq) => fc.constantFrom(1, 2, 5, null).map((lasts) => ({ seq, lasts }))),
    ),
  )
  .map((list) =>
    list.map(
      ({ seq, lasts }): KeyUse => ({
        seq,
        event: 'intent',
        objectId: 0x64,
        endSeq: lasts === null ? null : seq + lasts,
        said: 'signed',
      }),
    ),
  )

it('parts have everything once, in order, and no use could belong to an entry of another part', () => {
  let cuts = 0
  fc.assert(
    fc.property(logs, someUses, (log, uses) => {
      const parts = [...quietParts(log, uses, 1)]
      cuts += parts.length - 1
      expect(parts.flatMap(({ entries }) => entries.map(({ stored }) => stored))).toEqual(log.entries)
      expect(parts.flatMap((part) => part.uses)).toEqual(uses)
      for (const [own, { uses: ours }] of parts.entries())
        for (const [other, { entries }] of parts.entries())
          for (const use of own === other ? [] : ours)
            for (const { window } of entries)
              expect(use.seq <= window.upTo && (use.endSeq ?? Number.POSITIVE_INFINITY) > window.after).toBe(false)
    }),
    { numRuns: 2000 },
  )
  expect(cuts).toBeGreaterThan(500)
})
