import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../../db/database.ts'
import { auditSeq } from '../../../shared/ids.ts'
import { createAuditLog } from '../create-audit-log.ts'
import { type Append, closeDeviceIncident, listOpenDeviceIncidents } from './device-incidents.ts'
import { recordDrain } from './record-drain.ts'
import { makeDevice, type TestDevice } from './testing/device.ts'
import { deviceStation, serial } from './testing/device-station.ts'
import { signingDesk } from './testing/signing-desk.ts'

function bench() {
  const station = deviceStation()
  const log = createAuditLog(station.db, station.clock)
  const append: Append = (trx, entries) => log.append(trx, entries)
  const parts = { db: station.db, append, now: station.clock }
  return {
    ...station,
    append,
    parts,
    record: async (device: TestDevice) => recordDrain(parts, await station.mark(), device.answer()),
    events: () =>
      station.file
        .prepare<[], { event: string; entry: Buffer }>('SELECT event, entry FROM audit_entry ORDER BY seq')
        .all()
        .map(({ event, entry }) => ({ event, ...(JSON.parse(entry.toString()) as Record<string, unknown>) })),
    open: () => listOpenDeviceIncidents(readerOf(station.db), 50),
  }
}

describe('a drain that is recorded', () => {
  it('is an entry of the audit log, in the commit that stores it', async () => {
    const station = bench()
    const device = makeDevice('one')
    device.boot()
    expect(await station.record(device)).toMatchObject({ ok: true, value: { id: 1, fresh: 2, incidents: 0 } })
    expect(station.events()).toMatchObject([
      { event: 'device-log-drained', deviceSerial: serial, drain: 1, askedSeq: 0, fresh: 2, known: 0, lastNumber: 2 },
    ])
    // Neither without the other.
    const failing: Append = async () => {
      throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' })
    }
    device.boot()
    const again = recordDrain({ ...station.parts, append: failing }, await station.mark(), device.answer())
    await again.catch(() => null)
    expect(station.rows()).toHaveLength(2)
    expect(station.events()).toHaveLength(1)
  })

  it('that was refused is no entry', async () => {
    const station = bench()
    expect(await recordDrain(station.parts, await station.mark(), new Uint8Array(3))).toMatchObject({
      ok: false,
      error: { code: 'answer-malformed' },
    })
    expect(station.events()).toEqual([])
  })

  it('opens an incident for a signature that only the device knows of, once, and a person closes it', async () => {
    const station = bench()
    const device = makeDevice('theirs')
    device.boot()
    device.sign(0x64)
    expect(await station.record(device)).toMatchObject({ ok: true, value: { incidents: 1 } })
    const [incident] = await station.open()
    expect(incident).toMatchObject({ seq: 2, deviceSerial: serial, code: 'use-of-unknown-key' })
    expect(station.events()[1]).toMatchObject({
      event: 'device-incident-opened',
      places: [3],
      auditSeqs: [],
      count: 1,
      sentence: incident?.sentence,
    })
    // Found again, and known again.
    expect(await station.record(device)).toMatchObject({ ok: true, value: { incidents: 0 } })
    const close = (seq: number) =>
      station.db
        .transaction()
        .execute((trx) => closeDeviceIncident(trx, station.append, auditSeq.parse(seq), 'A test.', 'Zoë'))
    expect(await close(1)).toMatchObject({ ok: false, error: { code: 'no-such-incident' } })
    expect((await close(2)).ok).toBe(true)
    expect(await close(2)).toMatchObject({ ok: false, error: { code: 'no-such-incident' } })
    expect(await station.open()).toEqual([])
    expect(station.events().at(-1)).toMatchObject({
      event: 'device-incident-closed',
      openedSeq: 2,
      note: 'A test.',
      operator: 'Zoë',
    })
    expect(await station.record(device)).toMatchObject({ ok: true, value: { incidents: 0 } })
    expect(await station.open()).toEqual([])
    device.sign(0x65)
    expect(await station.record(device)).toMatchObject({ ok: true, value: { incidents: 1 } })
  })

  it('opens one for a signature that only our log knows of, and names its entries', async () => {
    const desk = await signingDesk()
    const log = createAuditLog(desk.station.db, desk.station.clock)
    const append: Append = (trx, entries) => log.append(trx, entries)
    await desk.sign('signed')
    await desk.drain()
    await desk.sign('signed-elsewhere')
    await desk.restart()
    const parts = { db: desk.station.db, append, now: desk.station.clock }
    const record = async () => recordDrain(parts, await desk.station.mark(), desk.device.answer())
    await record()
    await desk.sign('signed')
    const recorded = await record()
    expect(recorded.ok).toBe(true)
    const [incident, ...rest] = await listOpenDeviceIncidents(readerOf(desk.station.db), 50)
    expect(incident).toMatchObject({ code: 'signature-not-on-device' })
    expect(rest).toEqual([])
  })
})
