import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../../db/database.ts'
import { sampleIntent } from '../testing/sample-entries.ts'
import { reviewDevice } from './review-device.ts'
import { answerOf, entryOf, makeDevice, makeEntry } from './testing/device.ts'
import { must, serial } from './testing/device-station.ts'
import { defaultKey, keyOf, registerKey, type SigningDesk, signingDesk } from './testing/signing-desk.ts'

// What an attacker does, or leaves, and what the two logs then say of each other.

const codes = async (desk: SigningDesk) => (await desk.review()).findings.map(({ code }) => code)
const sentences = async (desk: SigningDesk) =>
  must(await reviewDevice(readerOf(desk.station.db), serial)).findings.map(({ sentence }) => sentence)

describe('somebody with the device', () => {
  it('who signs with our key is found, and the signature named', async () => {
    const desk = await signingDesk()
    await desk.sign('signed')
    await desk.drain()
    desk.device.sign(defaultKey, { sessionKey: 3 })
    await desk.drain()
    await desk.sign('signed')
    await desk.drain()
    expect((await desk.review()).findings).toEqual([{ code: 'use-not-ours', places: [4], auditSeqs: [], count: 1 }])
    expect(await sentences(desk)).toEqual([
      'The device made a signature with key 0x0064 and this station did not ask for it: entry 4 of the device’s log (place 4 of what is stored) has no counterpart in the audit log. The session was opened with authentication key 0x0003. A signature may exist that nobody approved. Suspend the key, and find out who used the device.',
    ])
  })

  it('who signs among our signatures is found; which it was is not made up', async () => {
    const desk = await signingDesk()
    await desk.sign('signed')
    desk.device.sign(defaultKey)
    await desk.sign('signed')
    await desk.drain()
    const { findings, matched } = await desk.review()
    expect(matched).toHaveLength(2)
    expect(findings).toEqual([{ code: 'use-not-ours', places: [2, 3, 4], auditSeqs: [], count: 1 }])
    expect((await sentences(desk))[0]).toContain(
      'of entries 2–4 of the device’s log (places 2–4 of what is stored), 1 has no counterpart in the audit log; which cannot be told',
    )
  })

  it.each(['refused', 'refused-unlogged', 'withdrawn'] as const)(
    'who signs what our log says was %s is found, and that entry named',
    async (happens) => {
      const desk = await signingDesk()
      desk.device.sign(defaultKey)
      const seq = await desk.sign(happens)
      await desk.drain()
      expect((await desk.review()).findings).toEqual([
        { code: 'use-not-ours', places: [2], auditSeqs: [seq], count: 1 },
      ])
      expect((await sentences(desk))[0]).toContain(`The audit log says of entry ${seq} that the token signed nothing`)
    },
  )

  it('who tries to sign and fails is found', async () => {
    const desk = await signingDesk()
    desk.device.failToSign(defaultKey)
    await desk.drain()
    expect((await desk.review()).findings).toEqual([
      { code: 'failed-use-not-ours', places: [2], auditSeqs: [], count: 1 },
    ])
  })

  it('who tries to sign and fails is not excused by an intent that was never sent', async () => {
    const desk = await signingDesk()
    desk.device.failToSign(defaultKey)
    await desk.sign('withdrawn')
    await desk.drain()
    expect((await desk.review()).findings).toMatchObject([{ code: 'failed-use-not-ours', places: [2] }])
  })

  it('who gets an answer that no device is known to give is taken to have signed', async () => {
    const desk = await signingDesk()
    desk.device.sign(defaultKey, { result: 0x0d })
    await desk.drain()
    expect(await codes(desk)).toEqual(['use-not-ours'])
  })

  it.each([
    [0x55, {}],
    [0x6a, {}],
    [0x5d, { secondKey: 9 }],
    [0x49, {}],
    [0x57, {}],
    [0x55, { result: 0x09 }],
    [0x55, { result: 0x7f }],
    [0x64, { targetKey: 0x99, secondKey: defaultKey }],
  ])('who uses our key by command %i, %j is found, though a signature of ours was lost then', async (command, more) => {
    const desk = await signingDesk()
    const lost = await desk.sign('lost-before')
    desk.device.sign(defaultKey, { command, result: command | 0x80, ...more })
    await desk.drain()
    expect(await desk.review()).toMatchObject({
      matched: [],
      notAtDevice: [lost],
      findings: [{ code: 'use-by-other-command', places: [2] }],
    })
  })

  it('who has the device attest our key with its own does not use our key', async () => {
    const desk = await signingDesk()
    desk.device.log({ command: 0x64, sessionKey: 1, targetKey: defaultKey, secondKey: 0 })
    await desk.drain()
    expect(await codes(desk)).toEqual([])
  })

  it('who signs with another key is found; other operations with it are his business', async () => {
    const desk = await signingDesk()
    desk.device.sign(0x200)
    desk.device.sign(0x201, { command: 0x6a, result: 0xea })
    desk.device.sign(0x201, { command: 0x6a, result: 0xea })
    desk.device.log({ command: 0x49, sessionKey: 1, targetKey: 0x200 })
    await desk.drain()
    expect((await desk.review()).findings).toEqual([
      { code: 'use-of-unknown-key', places: [2], auditSeqs: [], count: 1 },
      { code: 'use-of-unknown-key', places: [3, 4], auditSeqs: [], count: 2 },
    ])
  })

  it('cannot hide a signature behind one of another key', async () => {
    const desk = await signingDesk()
    registerKey(desk.station, 0x65)
    await desk.sign('signed', 0x65)
    desk.device.sign(defaultKey)
    await desk.drain()
    expect((await desk.review()).findings).toMatchObject([{ code: 'use-not-ours', places: [3] }])
  })

  it('cannot hide a signature behind one that was made before or after', async () => {
    const desk = await signingDesk()
    await desk.sign('lost-before')
    await desk.drain()
    desk.device.sign(defaultKey)
    await desk.drain()
    await desk.sign('lost-before')
    await desk.drain()
    expect((await desk.review()).findings).toMatchObject([{ code: 'use-not-ours', places: [3] }])
  })

  it('cannot hide a signature behind an intent that a restart ended', async () => {
    const desk = await signingDesk()
    const { station } = desk
    await station.write({ ...sampleIntent(), fingerprint: keyOf(defaultKey).fingerprint, tokenSerial: serial })
    await desk.restart()
    await desk.drain()
    desk.device.sign(defaultKey)
    await desk.drain()
    expect((await desk.review()).findings).toMatchObject([{ code: 'use-not-ours', places: [4] }])
  })

  it('who resets it is found', async () => {
    const desk = await signingDesk()
    await desk.sign('signed')
    await desk.drain()
    const seq = await desk.sign('signed')
    const anew = makeDevice('after the reset')
    anew.boot()
    await desk.station.drain(anew)
    expect(await desk.review()).toMatchObject({
      findings: [{ code: 'device-reset', places: [3, 4] }],
      unconfirmed: [seq],
    })
  })
})

describe('a signature of our log that this device did not make', () => {
  it('is found', async () => {
    const desk = await signingDesk()
    await desk.sign('signed')
    await desk.drain()
    const seq = await desk.sign('signed-elsewhere')
    await desk.drain()
    await desk.sign('signed')
    await desk.drain()
    expect((await desk.review()).findings).toEqual([
      { code: 'signature-not-on-device', places: [], auditSeqs: [seq], count: 1 },
    ])
    expect((await sentences(desk))[0]).toBe(
      `The audit log says that the device signed with key 0x0064 for entry ${seq}, and the device’s log of that time, of which nothing is missing, does not have that signature. Another device or another key made it, or the device does not log that command: ask for its options, and verify the signature.`,
    )
  })

  it('is one of those that look alike', async () => {
    const desk = await signingDesk()
    const seqs = await desk.signBatch(['signed', 'signed-elsewhere', 'signed'])
    await desk.drain()
    expect((await desk.review()).findings).toEqual([
      { code: 'signature-not-on-device', places: [], auditSeqs: seqs, count: 1 },
    ])
  })

  it('is not excused by one that failed, nor by a lost one of another time', async () => {
    const desk = await signingDesk()
    const seq = await desk.sign('signed-elsewhere')
    await desk.sign('refused')
    await desk.drain()
    const lost = await desk.sign('lost-after')
    await desk.drain()
    expect(await desk.review()).toMatchObject({
      matched: ['2-4 refused failed', `4-${lost} in-doubt done`],
      findings: [{ code: 'signature-not-on-device', auditSeqs: [seq] }],
    })
  })

  it('is every one where the device was told not to log', async () => {
    const desk = await signingDesk()
    const seqs: number[] = []
    for (let i = 0; i < 3; i++) {
      seqs.push(await desk.sign('signed-elsewhere'))
      await desk.drain()
    }
    expect((await desk.review()).findings.map(({ auditSeqs }) => auditSeqs)).toEqual(seqs.map((seq) => [seq]))
  })
})

describe('an audit log without a part of what the device did', () => {
  it('shows what was cut off: the device still has it', async () => {
    const desk = await signingDesk()
    await desk.signBatch(['signed'])
    const kept = desk.station.file.prepare<[], { n: number }>('SELECT max(seq) AS n FROM audit_entry').get()?.n ?? 0
    await desk.signBatch(['signed', 'signed'])
    // The tail of the log is cut off, with checkpoints and all; the device cannot be made to forget.
    desk.station.file.exec(`DROP TRIGGER audit_entry_no_delete; DELETE FROM audit_entry WHERE seq > ${kept}`)
    await desk.drain()
    expect((await desk.review()).findings).toEqual([
      { code: 'use-not-ours', places: [2, 3, 4], auditSeqs: [], count: 2 },
    ])
  })
})

describe('an older copy of the database', () => {
  it('shows at the next drain: the device went on', async () => {
    const desk = await signingDesk()
    await desk.sign('signed')
    await desk.drain()
    await desk.sign('signed')
    await desk.drain()
    // As the file was before the second signature.
    desk.station.file.exec(`DROP TRIGGER audit_entry_no_delete; DROP TRIGGER device_entry_no_delete; DROP TRIGGER device_drain_no_delete;
      DELETE FROM device_entry WHERE drain = 2; DELETE FROM device_drain WHERE id = 2; DELETE FROM audit_entry WHERE seq > 3`)
    expect(await codes(desk)).toEqual([])
    await desk.drain()
    expect((await desk.review()).findings).toEqual([
      { code: 'entries-missing', places: [3, 4], auditSeqs: [], count: 1 },
    ])
    expect((await sentences(desk))[0]).toContain(
      'At least 2 entries of the device’s log are missing, between its numbers 3 and 6',
    )
  })
})

describe('a device’s log that was changed on its way', () => {
  it('and chained anew, without a signature, breaks at what the device writes next', async () => {
    const desk = await signingDesk()
    const seq = await desk.sign('signed')
    const [reset] = desk.device.entries()
    if (reset === undefined) throw new Error('no entry')
    const forged = makeEntry(2, reset.digest, { command: 0x03, length: 10, targetKey: 1 })
    await desk.station.store(answerOf([reset, forged]))
    desk.device.free(2)
    await desk.sign('signed')
    await desk.drain()
    const { findings, unconfirmed, matched } = await desk.review()
    expect(findings).toEqual([
      { code: 'chain-broken', places: [2, 3], auditSeqs: [], count: 1 },
      { code: 'signature-not-on-device', places: [], auditSeqs: [seq], count: 1 },
    ])
    expect({ unconfirmed, matched: matched.length }).toEqual({ unconfirmed: [], matched: 1 })
  })

  it('an older log of another device, handed in for the first time, does not join', async () => {
    const desk = await signingDesk()
    for (let i = 0; i < 5; i++) await desk.sign('signed')
    await desk.drain()
    const other = makeDevice('never seen', 3)
    other.sign(defaultKey)
    await desk.station.drain(other)
    expect(await codes(desk)).toEqual(['log-went-back', 'use-not-ours'])
    // What the right device then writes does not join either.
    await desk.sign('signed')
    await desk.drain()
    expect(await codes(desk)).toContain('entries-missing')
  })

  it('with numbers that grow and a digest that follows, but not by one, was made by no device', async () => {
    const desk = await signingDesk()
    await desk.drain()
    const last = desk.station.file
      .prepare<[], { raw: Buffer }>('SELECT raw FROM device_entry ORDER BY place DESC LIMIT 1')
      .get()
    const before = entryOf(last?.raw ?? new Uint8Array())
    await desk.station.store(answerOf([makeEntry(before.number + 2, before.digest, { command: 0x03 })]))
    expect(await codes(desk)).toEqual(['number-wrong'])
  })
})

describe('somebody with the database', () => {
  const tampered = async (statement: string) => {
    const desk = await signingDesk()
    await desk.sign('signed')
    await desk.drain()
    await desk.sign('signed')
    desk.device.sign(defaultKey)
    await desk.drain()
    expect(await codes(desk)).toEqual(['use-not-ours'])
    desk.station.file.exec(`PRAGMA foreign_keys = off; PRAGMA ignore_check_constraints = on;
      DROP TRIGGER device_entry_no_update; DROP TRIGGER device_entry_no_delete;
      DROP TRIGGER device_drain_no_update; DROP TRIGGER device_drain_no_delete; ${statement}`)
    return codes(desk)
  }

  it.each([
    ['who takes out the last entries', 'DELETE FROM device_entry WHERE place >= 5', ['stored-rows-missing']],
    ['who takes out a whole drain’s', 'DELETE FROM device_entry WHERE place >= 4', ['stored-rows-missing']],
    ['who takes out one', 'DELETE FROM device_entry WHERE place = 5', ['entries-missing', 'stored-rows-missing']],
    [
      'who takes out the drain of an entry',
      'DELETE FROM device_drain WHERE id = 2',
      ['stored-rows-missing', 'use-not-ours'],
    ],
    [
      'who moves an entry to a drain that is not there',
      'UPDATE device_entry SET drain = 9 WHERE place = 5',
      ['stored-rows-missing', 'use-not-ours'],
    ],
    [
      'who moves an entry to another device',
      `UPDATE device_entry SET device_serial = '99999999', place = 1 WHERE place = 5`,
      ['entries-missing', 'stored-rows-missing'],
    ],
    [
      'who gives an entry another key, in the bytes and beside them',
      `UPDATE device_entry SET target_key = 153, raw = unhex(hex(substr(raw, 1, 7)) || '0099' || hex(substr(raw, 10))) WHERE place = 5`,
      ['chain-broken', 'use-of-unknown-key'],
    ],
    [
      'who gives an entry another key beside the bytes only',
      'UPDATE device_entry SET target_key = 153 WHERE place = 5',
      ['use-not-ours'],
    ],
    [
      'who makes a signature a failure',
      `UPDATE device_entry SET raw = unhex(hex(substr(raw, 1, 11)) || '7F' || hex(substr(raw, 13))) WHERE place = 5`,
      ['chain-broken', 'failed-use-not-ours'],
    ],
  ])('%s is found', async (_name, statement, found) => {
    expect(await tampered(statement)).toEqual(found)
  })
})
