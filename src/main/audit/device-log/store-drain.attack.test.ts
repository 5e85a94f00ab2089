import { describe, expect, it } from 'vitest'
import { answerOf, entryOf, makeDevice, makeEntry } from './testing/device.ts'
import { deviceStation, otherSerial, serial } from './testing/device-station.ts'

// What somebody between the station and the device, or with another device in his hand, could hand in as the device's log.

async function drained() {
  const station = deviceStation()
  const device = makeDevice('victim')
  for (let i = 0; i < 4; i++) device.sign(0x64)
  const answer = device.answer()
  await station.drain(device)
  const before = station.rows()
  const refused = async (bytes: Uint8Array, deviceSerial = serial) => {
    const stored = await station.store(bytes, deviceSerial)
    expect(station.rows()).toEqual(before)
    return stored.ok ? 'stored' : stored.error.code
  }
  return { station, device, answer, refused }
}

describe('refused, with nothing stored', () => {
  it('is an answer with an entry edited', async () => {
    const { device, refused } = await drained()
    device.sign(0x64)
    device.sign(0x64)
    const answer = Uint8Array.from(device.answer())
    answer[5 + 32 + 8] = 0x65
    expect(await refused(answer)).toBe('answer-unchained')
  })

  it('is an answer from which a signature was taken', async () => {
    const { device, refused } = await drained()
    for (let i = 0; i < 3; i++) device.sign(0x64)
    expect(await refused(answerOf(device.entries().toSpliced(1, 1)))).toBe('answer-unchained')
  })

  it('is an answer whose numbers were put in another order', async () => {
    const { device, refused } = await drained()
    for (let i = 0; i < 3; i++) device.sign(0x64)
    expect(await refused(answerOf(device.entries().toReversed()))).toBe('answer-unchained')
  })

  it('is the log of another device that is stored', async () => {
    const { station, refused, answer } = await drained()
    const other = makeDevice('other')
    other.sign(0x64)
    expect(await refused(answer, otherSerial)).toBe('entries-of-another-device')
    await station.drain(other, otherSerial)
    const stored = await station.store(other.answer())
    expect(stored).toMatchObject({ ok: true, value: { fresh: 0, known: 0 } }) // freed: nothing in it
  })

  it('is the log of another device that was stored for it before, with new entries after', async () => {
    const { station } = await drained()
    const other = makeDevice('other')
    other.sign(0x64)
    const { value } = (await station.store(other.answer(), otherSerial)) as { value: { fresh: number } }
    expect(value.fresh).toBe(2)
    other.sign(0x64)
    expect(await station.store(other.answer())).toMatchObject({
      ok: false,
      error: { code: 'entries-of-another-device', kind: 'refused', detail: `stored for ${otherSerial}` },
    })
  })

  it('is an older answer again', async () => {
    const { station, device, answer } = await drained()
    device.sign(0x64)
    await station.drain(device)
    const before = station.rows()
    expect(await station.store(answer)).toMatchObject({ ok: false, error: { code: 'drain-replayed' } })
    expect(station.rows()).toEqual(before)
  })

  it('is a log that goes another way after entries that are stored', async () => {
    const { device, refused } = await drained()
    const all = [...makeDevice('victim').entries()]
    const first = all[0]
    if (first === undefined) throw new Error('no entry')
    const forged = makeEntry(2, first.digest, { command: 0x40 })
    expect(await refused(answerOf([first, forged]))).toBe('drain-contradicts')
    // The stored entries are the whole beginning of what is given, but not its newest.
    device.sign(0x64)
    expect(await refused(answerOf([first, forged, makeEntry(3, forged.digest, { command: 0x47 })]))).toBe(
      'drain-contradicts',
    )
  })

  it('is a log in which stored entries come after others', async () => {
    const { station } = await drained()
    const late = makeDevice('late', 500)
    const [a, b] = [late.sign(1), late.sign(1)]
    await station.store(answerOf([b]), otherSerial)
    const before = station.rows()
    expect(await station.store(answerOf([a, b]), otherSerial)).toMatchObject({
      ok: false,
      error: { code: 'drain-contradicts' },
    })
    expect(station.rows()).toEqual(before)
  })
})

describe('a stored entry that was edited in the file', () => {
  it('is noticed when the device gives it again', async () => {
    const station = deviceStation()
    const device = makeDevice('edited')
    device.sign(0x64)
    device.sign(0x64)
    await station.store(device.answer())
    const last = device.entries().at(-1)
    if (last === undefined) throw new Error('no entry')
    const changed = Uint8Array.from(last.raw)
    changed[8] = 0x65
    station.file.exec('DROP TRIGGER device_entry_no_update')
    station.file.prepare('UPDATE device_entry SET raw = ?, target_key = ? WHERE place = 3').run(changed, 0x65)
    expect(entryOf(changed).targetKey).toBe(0x65)
    expect(await station.store(device.answer())).toMatchObject({ ok: false, error: { code: 'drain-contradicts' } })
  })
})
