import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../../db/database.ts'
import { sampleIntent } from '../testing/sample-entries.ts'
import { reviewDevice } from './review-device.ts'
import { must, serial } from './testing/device-station.ts'
import { keyOf, registerKey, signingDesk } from './testing/signing-desk.ts'

const nothing = { findings: [], pending: [], unconfirmed: [], notAtDevice: [] }

describe('two logs that agree', () => {
  it('are matched entry by entry', async () => {
    const desk = await signingDesk()
    await desk.signBatch(['signed', 'signed'])
    await desk.drain()
    await desk.sign('signed')
    await desk.drain()
    // Places 1 and 4 and 6 are the reset and the logins; entry 1 of the audit log is the start.
    expect(await desk.review()).toEqual({
      ...nothing,
      matched: ['2-2 signed done', '3-3 signed done', '5-6 signed done'],
    })
  })

  it('agree about what failed, what was withdrawn and what was made and not released', async () => {
    const desk = await signingDesk()
    await desk.signBatch(['refused', 'withdrawn', 'refused-unlogged', 'signed-not-verified', 'signed'])
    await desk.drain()
    expect(await desk.review()).toEqual({
      ...nothing,
      matched: ['2-2 refused failed', '3-5 in-doubt done', '4-6 signed done'],
    })
  })

  it('tell of a lost answer whether the token signed', async () => {
    const desk = await signingDesk()
    const made = await desk.sign('lost-after')
    await desk.drain()
    const unmade = await desk.sign('lost-before')
    await desk.drain()
    expect(await desk.review()).toEqual({
      ...nothing,
      matched: [`2-${made} in-doubt done`],
      notAtDevice: [unmade],
    })
  })

  it('keep keys apart', async () => {
    const desk = await signingDesk()
    registerKey(desk.station, 0x65)
    await desk.sign('signed', 0x64)
    await desk.sign('signed', 0x65)
    await desk.sign('signed', 0x64)
    await desk.drain()
    expect(await desk.review()).toEqual({
      ...nothing,
      matched: ['2-2 signed done', '3-4 signed done', '4-6 signed done'],
    })
  })

  it('agree over the wrap of the device’s number', async () => {
    const desk = await signingDesk('wrap', 65_500)
    for (let runs = 0; runs < 3; runs++) {
      for (let i = 0; i < 20; i++) await desk.sign('signed')
      await desk.drain()
    }
    const { matched, findings } = await desk.review()
    expect(matched).toHaveLength(60)
    expect(findings.map(({ code }) => code)).toEqual(['log-begins-late'])
  })

  it('agree where two requests sign with one key at once', async () => {
    const desk = await signingDesk()
    const { station, device } = desk
    const use = { ...sampleIntent(), fingerprint: keyOf(0x64).fingerprint, tokenSerial: serial }
    const signed = (intentSeq: number) =>
      ({
        ...use,
        event: 'signed',
        intentSeq,
        outputSha256: use.inputSha256,
        signatureSha256: use.inputSha256,
      }) as Parameters<typeof station.write>[0]
    const [slow = 0] = await station.write(use)
    const [fast = 0] = await station.write(use)
    device.sign(0x64)
    await station.write(signed(fast))
    await desk.drain()
    device.sign(0x64)
    await station.write(signed(slow))
    await desk.drain()
    expect(await desk.review()).toEqual({ ...nothing, matched: [`2-${fast} signed done`, `4-${slow} signed done`] })
  })

  it('agree about challenges and the first signature of a key', async () => {
    const desk = await signingDesk()
    const { station, device } = desk
    const key = keyOf(0x70)
    const operator = 'Zoë'
    const challenge = {
      event: 'possession-challenged',
      purpose: 'uefi',
      fingerprint: key.fingerprint,
      digest: 'ab'.repeat(32),
      tokenSerial: serial,
      operator,
    } as const
    const registered = {
      event: 'key-registered',
      purpose: 'uefi',
      fingerprint: key.fingerprint,
      description: '',
      origin: 'generated',
      home: 'token',
      tokenSerial: serial,
      spkiSha256: key.spkiSha256,
      operator,
    } as const
    // The first challenge fails, the second is answered; a key that signed its own certificate before.
    await station.write({
      event: 'key-generated',
      purpose: 'uefi',
      description: '',
      algorithm: 'rsa-2048',
      spkiSha256: key.spkiSha256,
      digest: 'cd'.repeat(32),
      tokenSerial: serial,
      operator,
    })
    device.sign(0x70)
    await station.write(challenge)
    await station.write(challenge)
    device.sign(0x70)
    await station.write(registered)
    registerKey(station, 0x70)
    await desk.drain()
    expect(await desk.review()).toEqual({
      ...nothing,
      matched: ['2-2 signed done', '3-4 signed done'],
      notAtDevice: [3],
    })
  })

  it('agree about the challenge of a key that was not registered in the end', async () => {
    const desk = await signingDesk()
    await desk.station.write({
      event: 'possession-challenged',
      purpose: 'uefi',
      fingerprint: keyOf(0x71).fingerprint,
      digest: 'ab'.repeat(32),
      tokenSerial: serial,
      operator: 'Zoë',
    })
    desk.device.sign(0x71)
    await desk.restart()
    await desk.drain()
    expect(await desk.review()).toEqual({ ...nothing, matched: ['2-2 in-doubt done'] })
  })

  it('agree about a key whose CKA_ID is not its object id', async () => {
    const desk = await signingDesk()
    registerKey(desk.station, 0x72, 'c0ffee')
    await desk.sign('signed', 0x72)
    await desk.drain()
    expect(await desk.review()).toEqual({ ...nothing, matched: ['2-2 signed done'] })
  })

  it('do not speak of other tokens', async () => {
    const desk = await signingDesk()
    await desk.station.write({ ...sampleIntent(), fingerprint: keyOf(0x64).fingerprint, tokenSerial: '07550421' })
    await desk.station.write({ ...sampleIntent(), fingerprint: keyOf(0x64).fingerprint, tokenSerial: null })
    await desk.drain()
    expect(await desk.review()).toEqual({ ...nothing, matched: [] })
  })
})

describe('what is not known yet', () => {
  it('is pending until the device is asked again', async () => {
    const desk = await signingDesk()
    await desk.drain()
    const seq = await desk.sign('signed')
    expect(await desk.review()).toEqual({ ...nothing, matched: [], pending: [seq] })
    await desk.drain()
    expect(await desk.review()).toEqual({ ...nothing, matched: [`3-${seq} signed done`] })
  })

  it('is pending while the token is at work', async () => {
    const desk = await signingDesk()
    const [seq = 0] = await desk.station.write({
      ...sampleIntent(),
      fingerprint: keyOf(0x64).fingerprint,
      tokenSerial: serial,
    })
    await desk.drain()
    expect(await desk.review()).toMatchObject({ pending: [seq], findings: [] })
    desk.device.sign(0x64)
    await desk.drain()
    expect(await desk.review()).toMatchObject({ pending: [], findings: [], matched: [`3-${seq} in-doubt done`] })
  })

  it('is unconfirmed before the first drained entry, and says so', async () => {
    const desk = await signingDesk('old', 9000)
    const seqs = await desk.signBatch(Array.from({ length: 70 }, () => 'signed' as const))
    await desk.drain()
    const { matched, unconfirmed, findings } = await desk.review()
    expect({ matched: matched.length, unconfirmed: unconfirmed.length }).toEqual({ matched: 61, unconfirmed: 9 })
    expect(unconfirmed.every((seq) => seqs.includes(seq))).toBe(true)
    expect(findings).toEqual([{ code: 'log-begins-late', places: [1], auditSeqs: [], count: 1 }])
  })

  it('is unconfirmed where the device overwrote entries, which is an incident', async () => {
    const desk = await signingDesk()
    await desk.sign('signed')
    await desk.drain()
    await desk.signBatch(Array.from({ length: 70 }, () => 'signed' as const))
    await desk.drain()
    await desk.sign('signed')
    await desk.drain()
    const { matched, unconfirmed, findings } = await desk.review()
    expect({ matched: matched.length, unconfirmed: unconfirmed.length }).toEqual({ matched: 63, unconfirmed: 9 })
    expect(findings).toEqual([{ code: 'entries-missing', places: [3, 4], auditSeqs: [], count: 1 }])
  })
})

describe('what the device counted', () => {
  it('is an incident once, though the device says it again', async () => {
    const desk = await signingDesk()
    for (const [boots, authentications] of [
      [2, 0],
      [2, 1],
      [0, 1],
      [0, 0],
    ]) {
      desk.device.login()
      await desk.station.store(desk.device.answer(boots, authentications))
    }
    expect((await desk.review()).findings).toEqual([
      { code: 'boots-not-logged', places: [], auditSeqs: [], count: 2 },
      { code: 'authentications-not-logged', places: [], auditSeqs: [], count: 1 },
    ])
  })

  it('is a note for changed options', async () => {
    const desk = await signingDesk()
    desk.device.log({ command: 0x4f, length: 4, sessionKey: 1 })
    await desk.drain()
    const review = must(await reviewDevice(readerOf(desk.station.db), serial))
    expect(review.findings.map(({ code, incident }) => [code, incident])).toEqual([['options-changed', false]])
  })
})

it('what is stored while the logs are read is left for the next time', async () => {
  const desk = await signingDesk()
  for (let runs = 0; runs < 6; runs++) {
    await desk.signBatch(Array.from({ length: 55 }, () => 'signed' as const))
    await desk.drain()
  }
  const reviewing = reviewDevice(readerOf(desk.station.db), serial)
  const late = await desk.sign('signed')
  await desk.drain()
  const first = must(await reviewing)
  expect(first.findings).toEqual([])
  expect(first.matched.length + first.pending.length).toBeGreaterThanOrEqual(330)
  const second = must(await reviewDevice(readerOf(desk.station.db), serial))
  expect(second).toMatchObject({ findings: [], pending: [] })
  expect(second.matched.at(-1)?.seq).toBe(late)
  expect(second.matched).toHaveLength(331)
})

it('an audit log that cannot be read is not matched', async () => {
  const desk = await signingDesk()
  await desk.sign('signed')
  await desk.drain()
  desk.station.file.exec(`DROP TRIGGER audit_entry_no_update; UPDATE audit_entry SET entry = x'7b7d' WHERE seq = 2`)
  expect(await reviewDevice(readerOf(desk.station.db), serial)).toMatchObject({
    ok: false,
    error: { code: 'log-unreadable', message: expect.stringContaining('Entry 2 of the audit log') as string },
  })
})
