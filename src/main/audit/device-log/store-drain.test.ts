import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../../db/database.ts'
import { hex } from '../bytes.ts'
import { markDrain, storeDrain } from './store-drain.ts'
import { makeDevice } from './testing/device.ts'
import { deviceStation, otherSerial, serial } from './testing/device-station.ts'

describe('a drain', () => {
  it('stores every entry once, in order, and says what may be freed', async () => {
    const station = deviceStation()
    const device = makeDevice('one')
    device.boot()
    const signed = device.sign(0x64)
    expect(await station.store(device.answer(2, 3))).toEqual({
      ok: true,
      value: {
        id: 1,
        fresh: 3,
        known: 0,
        lastNumber: 3,
        lastDigest: hex(signed.digest),
        unloggedBoots: 2,
        unloggedAuthentications: 3,
      },
    })
    expect(station.file.prepare('SELECT * FROM device_drain').all()).toEqual([
      {
        id: 1,
        device_serial: serial,
        asked_seq: 0,
        stored_seq: 0,
        asked_at: '2026-01-02T03:04:05.678Z',
        stored_at: '2026-01-02T03:04:06.678Z',
        unlogged_boots: 2,
        unlogged_authentications: 3,
        given: 3,
        known: 0,
      },
    ])
    expect(station.file.prepare('SELECT * FROM device_entry WHERE place = 3').get()).toEqual({
      device_serial: serial,
      place: 3,
      drain: 1,
      raw: Buffer.from(signed.raw),
      number: 3,
      command: 0x47,
      target_key: 0x64,
      second_key: 0xffff,
      lap: 0,
      boot: 1,
    })
  })

  it('that is repeated because the station stopped before it freed the device stores nothing twice', async () => {
    const station = deviceStation()
    const device = makeDevice('again')
    device.sign(0x64)
    await station.store(device.answer())
    expect(await station.store(device.answer())).toMatchObject({
      ok: true,
      value: { fresh: 0, known: 2, lastNumber: 2 },
    })
    device.sign(0x64)
    expect(await station.drain(device)).toMatchObject({ fresh: 1, known: 2, lastNumber: 3 })
    expect(station.rows().map(({ number }) => number)).toEqual([1, 2, 3])
  })

  it('of a device that has nothing to tell is a row all the same', async () => {
    const station = deviceStation()
    const device = makeDevice('quiet')
    const { lastDigest } = await station.drain(device)
    expect(await station.drain(device)).toEqual({
      id: 2,
      fresh: 0,
      known: 0,
      unloggedBoots: 0,
      unloggedAuthentications: 0,
      lastNumber: null,
      lastDigest,
    })
  })

  it('keeps devices apart', async () => {
    const station = deviceStation()
    const [a, b] = [makeDevice('a'), makeDevice('b')]
    a.sign(1)
    b.boot()
    await station.drain(a)
    await station.drain(b, otherSerial)
    a.sign(1)
    await station.drain(a)
    expect(station.rows().map((row) => `${row.device_serial} ${row.place} ${row.number}`)).toEqual([
      '07550140 1 1',
      '07550140 2 2',
      '07550140 3 3',
      '07550421 1 1',
      '07550421 2 2',
    ])
  })

  it('remembers where the audit log stood before and after', async () => {
    const station = deviceStation()
    const device = makeDevice('head')
    const started = { event: 'station-started', version: '0.1.0', previousHead: null } as const
    await station.write(started)
    const mark = await station.mark()
    await station.write(started, started)
    await storeDrain(station.db, mark, device.answer(), station.clock())
    expect(station.file.prepare('SELECT asked_seq, stored_seq FROM device_drain').get()).toEqual({
      asked_seq: 1,
      stored_seq: 3,
    })
  })

  it('that was asked for before the last one was stored is refused', async () => {
    const station = deviceStation()
    const device = makeDevice('late')
    const early = await station.mark()
    await station.write({ event: 'station-started', version: '0.1.0', previousHead: null })
    await station.drain(device)
    expect(await storeDrain(station.db, early, device.answer(), station.clock())).toMatchObject({
      ok: false,
      error: { code: 'drain-overtaken', kind: 'unavailable' },
    })
    expect(station.rows()).toHaveLength(1)
  })

  it.each(['', '7550140', '0755014x', '07550140\n', '12345678901'])('of a device %j is refused', async (name) => {
    const station = deviceStation()
    expect(await markDrain(readerOf(station.db), name, station.clock())).toMatchObject({
      ok: false,
      error: { code: 'serial-malformed' },
    })
  })

  it('that cannot be written is a failure that says so, and nothing of it is kept', async () => {
    const station = deviceStation()
    const device = makeDevice('disk')
    for (let drains = 0; drains < 4; drains++) {
      for (let i = 0; i < 60; i++) device.sign(0x64)
      await station.drain(device)
    }
    for (let i = 0; i < 60; i++) device.sign(0x64)
    const before = station.rows()
    station.file.pragma(`max_page_count = ${String(station.file.pragma('page_count', { simple: true }))}`)
    expect(await station.store(device.answer())).toMatchObject({ ok: false, error: { code: 'log-unwritable' } })
    station.file.pragma('max_page_count = 100000')
    expect(station.rows()).toEqual(before)
    expect(await station.drain(device)).toMatchObject({ id: 5, fresh: 60 })
  })
})

describe('however a device is drained', () => {
  it('every entry that it gave is stored once and in its order, over the wrap of the number too', async () => {
    // Runs of entries, and after each a drain that ends in one of the ways in which a station can stop.
    const runs = fc.array(
      fc.record({ entries: fc.integer({ min: 0, max: 80 }), ends: fc.constantFrom('freed', 'not-freed', 'twice') }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(runs, fc.integer({ min: 65_400, max: 65_535 }), async (steps, first) => {
        const station = deviceStation()
        const device = makeDevice('property', first)
        const given: string[] = []
        for (const { entries, ends } of steps) {
          for (let i = 0; i < entries; i++) {
            if (i % 17 === 16) device.boot()
            else device.sign(0x64)
          }
          for (const { raw } of device.entries()) if (!given.includes(hex(raw))) given.push(hex(raw))
          const stored = await station.store(device.answer())
          if (!stored.ok) throw new Error(stored.error.code)
          if (ends === 'twice') await station.store(device.answer())
          if (ends !== 'not-freed') device.free(stored.value.lastNumber)
        }
        const rows = station.file
          .prepare<[], { raw: Buffer; lap: number; number: number }>('SELECT * FROM device_entry ORDER BY place')
          .all()
        expect(rows.map(({ raw }) => raw.toString('hex'))).toEqual(given)
        // The device's own numbers, with the laps, give the same order.
        const order = rows.map(({ lap, number }) => lap * 65_536 + number)
        expect(order).toEqual([...new Set(order)].toSorted((a, b) => a - b))
      }),
      { numRuns: 40 },
    )
  })
})
