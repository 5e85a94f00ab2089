import { readerOf } from '../../../../../db/database.ts'
import { auditSeq, fingerprint, sha256Hex } from '../../../../shared/ids.ts'
import type { AuditEntryOf } from '../../format/entry.ts'
import { sampleIntent, sampleRequest, sampleSigned } from '../../testing/sample-entries.ts'
import { reviewDevice } from '../review-device.ts'
import { makeDevice, type TestDevice } from './device.ts'
import { type DeviceStation, deviceStation, must, serial } from './device-station.ts'

/** A key of the device; the fingerprints are made from the object id. */
export const keyOf = (objectId: number) => ({
  objectId,
  fingerprint: fingerprint.parse(objectId.toString(16).padStart(64, '0').toUpperCase()),
  spkiSha256: sha256Hex.parse(objectId.toString(16).padStart(64, '0')),
})

export function registerKey(station: DeviceStation, objectId: number, ckaId?: string, deviceSerial = serial): void {
  const key = keyOf(objectId)
  station.file
    .prepare(
      `INSERT INTO signing_key (purpose, fingerprint, private_key, public_key, created_at, updated_at, description, state, production, origin, algorithm, spki_sha256, token_manufacturer, token_model, token_serial, cka_id)
       VALUES ('uefi', ?, '{"storage":"pkcs11-static"}', x'78', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'key', 'active', 1, 'generated', 'rsa-2048', ?, 'Yubico (www.yubico.com)', 'YubiHSM', ?, ?)`,
    )
    .run(key.fingerprint, key.spkiSha256, deviceSerial, ckaId ?? objectId.toString(16).padStart(4, '0'))
}

/** What the token does with a file, and what of it reaches the station. */
export type Happens =
  | 'signed'
  /** By something that is not this device. */
  | 'signed-elsewhere'
  /** The device says no. */
  | 'refused'
  /** The device says no before it logs anything, as when its log is full. */
  | 'refused-unlogged'
  /** Written ahead, never sent. */
  | 'withdrawn'
  /** The device signs and its answer is lost. */
  | 'lost-after'
  /** The command is lost. */
  | 'lost-before'
  /** Made, and not released, because it does not verify as what it should be. */
  | 'signed-not-verified'

interface Begun {
  readonly seqs: readonly number[]
  readonly settleNext: () => Promise<void>
}

/** A station that signs with a device as the product does it, and writes what the product writes. */
export interface SigningDesk {
  readonly station: DeviceStation
  readonly device: TestDevice
  readonly sign: (happens: Happens, objectId?: number) => Promise<number>
  /** The intents of both are on disk before either is asked for, as in a batch; what happens is in order. */
  readonly signBatch: (happens: readonly Happens[], objectId?: number) => Promise<readonly number[]>
  /** The same, but the caller says when each is asked for. */
  readonly begin: (happens: readonly Happens[], objectId?: number) => Promise<Begun>
  readonly drain: () => Promise<void>
  /** The station stops and starts. */
  readonly restart: () => Promise<void>
  readonly review: () => Promise<ReturnType<typeof readable>>
}

export const defaultKey = 0x64

export async function signingDesk(seed = 'desk', firstNumber = 1): Promise<SigningDesk> {
  const station = deviceStation()
  const device = makeDevice(seed, firstNumber)
  const start = () => station.write({ event: 'station-started', version: '0.1.0', previousHead: null })
  await start()
  registerKey(station, defaultKey)

  const intentOf = (objectId: number) => ({
    ...sampleIntent(),
    fingerprint: keyOf(objectId).fingerprint,
    tokenSerial: serial,
  })
  async function settle(happens: Happens, intentSeq: number, objectId: number): Promise<void> {
    const seq = auditSeq.parse(intentSeq)
    const use = { ...intentOf(objectId), intentSeq: seq }
    const failed = (code: string, signatureMayExist: boolean): AuditEntryOf<'sign-failed'> => ({
      ...use,
      event: 'sign-failed',
      code,
      message: 'It failed.',
      signatureMayExist,
    })
    const lost = () =>
      station.write({
        event: 'incident-opened',
        requestId: sampleRequest,
        openIntents: [seq],
        reason: 'The token was removed.',
      })
    switch (happens) {
      case 'signed':
        device.sign(objectId)
        await station.write({ ...sampleSigned(), ...use, event: 'signed' })
        return
      case 'signed-elsewhere':
        await station.write({ ...sampleSigned(), ...use, event: 'signed' })
        return
      case 'refused':
        device.failToSign(objectId)
        await station.write(failed('token-error', false))
        return
      case 'refused-unlogged':
        await station.write(failed('token-error', false))
        return
      case 'withdrawn':
        await station.write(failed('cancelled', false))
        return
      case 'lost-after':
        device.sign(objectId)
        await lost()
        return
      case 'lost-before':
        await lost()
        return
      case 'signed-not-verified':
        device.sign(objectId)
        await station.write(failed('output-wrong', true))
    }
  }
  async function begin(happens: readonly Happens[], objectId = defaultKey): Promise<Begun> {
    const seqs = await station.write(...happens.map(() => intentOf(objectId)))
    let next = 0
    return {
      seqs,
      settleNext: async () => {
        const each = happens[next]
        if (each !== undefined) await settle(each, seqs[next] ?? 0, objectId)
        next += 1
      },
    }
  }
  async function signBatch(happens: readonly Happens[], objectId = defaultKey): Promise<readonly number[]> {
    const { seqs, settleNext } = await begin(happens, objectId)
    for (let index = 0; index < seqs.length; index++) await settleNext()
    return seqs
  }
  return {
    station,
    device,
    begin,
    signBatch,
    sign: async (happens, objectId) => (await signBatch([happens], objectId))[0] ?? 0,
    drain: async () => {
      device.login()
      await station.drain(device)
    },
    restart: async () => {
      device.boot()
      await start()
    },
    review: async () => readable(must(await reviewDevice(readerOf(station.db), serial))),
  }
}

/** The review without its sentences. */
function readable(review: Extract<Awaited<ReturnType<typeof reviewDevice>>, { ok: true }>['value']) {
  for (const { sentence, name } of review.findings) {
    if (!/^[A-Z][^\n]*\.$/.test(sentence) || /undefined|NaN|null|\[object/.test(sentence) || sentence.includes('  '))
      throw new Error(`not a sentence: ${sentence}`)
    if (!name.startsWith(`${serial} `)) throw new Error(`not a name: ${name}`)
  }
  const names = new Set(review.findings.map(({ name }) => name))
  if (names.size !== review.findings.length) throw new Error(`a name twice: ${[...names].join(', ')}`)
  return {
    matched: review.matched.map(({ place, seq, said, result }) => `${place}-${seq} ${said} ${result}`),
    findings: review.findings.map(({ code, places, auditSeqs, count }) => ({ code, places, auditSeqs, count })),
    pending: review.pending,
    unconfirmed: review.unconfirmed,
    notAtDevice: review.notAtDevice,
  }
}
