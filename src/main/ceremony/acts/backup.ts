import { createHash, randomBytes } from 'node:crypto'
import type { CeremonyKey } from '../../../shared/ceremony.ts'
import type { Failure } from '../../../shared/failure.ts'
import { fingerprint } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { HsmDevice, HsmObject } from '../../token/hsm-service.ts'
import { type Act, fact } from '../ports.ts'
import { publicKey, testSignature } from './key-evidence.ts'
import { wordsOf } from './look.ts'
import { deviceOf, keyOf, objectNumber, withHsm } from './whose.ts'

// Backups of a YubiHSM's keys: what leaves the device is encrypted by it, under a wrap key that only devices hold.

/** A wrapped backup's file. It is not put into the evidence, which goes to others (docs/formats/ceremony.md). */
export const backupSuffix = '.yhw'

const asymmetric = 3

export const wrapBackup: Act<'wrap-backup'> = async (attempt) => {
  const { step, records, intend } = attempt
  const device = deviceOf(records, step.device)
  if (!device.ok) return device
  const key = keyOf(records, step.key)
  if (!key.ok) return key
  if (key.value.token.serial !== device.value.token.serial) return err(notOnDevice)
  return withHsm(attempt, device.value, async (hsm) => {
    const objectId = objectNumber(key.value.ckaId)
    const wrapKeyId = objectNumber(step.wrapKeyId)
    const there = await sameKey(hsm, objectId, key.value)
    if (!there.ok) return there
    const wrapKey = await wrapKeyAt(hsm, wrapKeyId)
    if (!wrapKey.ok) return wrapKey
    const intended = await intend(
      'export-wrapped',
      device.value.token.serial,
      `key ${key.value.ckaId} under wrap key ${step.wrapKeyId}`,
    )
    if (!intended.ok) return intended
    const wrapped = await hsm.exportWrapped(wrapKeyId, objectId)
    if (!wrapped.ok) return wrapped
    const file = Buffer.from(`${Buffer.from(wrapped.value).toString('base64')}\n`)
    const digest = createHash('sha256').update(file).digest('hex')
    return ok({
      facts: [
        fact('Key', `${key.value.ckaId}, “${there.value.label}”`),
        fact(
          'Wrap key',
          `${step.wrapKeyId}, “${wrapKey.value.label}”, algorithm ${wrapKey.value.algorithm}, capabilities ${wrapKey.value.capabilities}`,
        ),
        fact('File of the backup', backupName(step.id)),
        fact('SHA-256 of the backup', digest, 'digest'),
        fact('The same in words', wordsOf(digest), 'words'),
      ],
      files: [{ name: backupName(step.id), content: file }],
    })
  })
}

/** As `yubihsm-shell -a put-wrapped` takes it. */
export function backupName(stepId: string): string {
  return `${stepId}${backupSuffix}`
}

/** The backup is put onto another device and signs there; what it signs is verified with the public key of the first one. */
export const restoreTest: Act<'restore-test'> = async (attempt) => {
  const { ports, step, input, records, intend, intended: earlier } = attempt
  const device = deviceOf(records, step.device)
  if (!device.ok) return device
  const key = keyOf(records, step.key)
  if (!key.ok) return key
  const { fingerprint: print, ckaId } = key.value
  const { serial } = device.value.token
  if (print === null) return err(uncertified)
  if (key.value.token.serial === serial) return err(sameDevice)
  const file = step.from === null ? input.wrapped : ((await attempt.file(backupName(step.from)))?.toString() ?? null)
  const wrapped = file === null ? null : wrappedBytes(Buffer.from(file, 'latin1').toString('latin1'))
  if (wrapped === null) return err(noBackup)
  const objectId = objectNumber(ckaId)

  const restored = await withHsm(attempt, device.value, async (hsm) => {
    const before = await hsm.object('asymmetric-key', objectId)
    if (!before.ok) return before
    if (before.value !== null) {
      // Only what an attempt of this very step put there counts as restored now.
      return earlier === 'import-wrapped' ? sameKey(hsm, objectId, key.value) : err(occupied)
    }
    const wrapKey = await wrapKeyAt(hsm, objectNumber(step.wrapKeyId))
    if (!wrapKey.ok) return wrapKey
    const noted = await intend('import-wrapped', serial, `key ${ckaId} under wrap key ${step.wrapKeyId}`)
    if (!noted.ok) return noted
    const imported = await hsm.importWrapped(objectNumber(step.wrapKeyId), wrapped)
    if (!imported.ok) return imported
    if (imported.value.type !== asymmetric || imported.value.objectId !== objectId) return err(otherObject)
    return sameKey(hsm, objectId, key.value)
  })
  if (!restored.ok) return restored
  const { spki } = restored.value
  if (spki === null) return err(otherObject)
  const copy = { ...key.value, ...publicKey(spki), token: device.value.token, fingerprint: fingerprint.parse(print) }
  const signed = await testSignature(attempt, copy, { prefix: step.id, random: randomBytes(32) })
  if (!signed.ok) return signed
  if (!step.keep) {
    const removed = await withHsm(attempt, device.value, async (hsm) => {
      const noted = await intend('delete-object', serial, `key ${ckaId}, the restored copy`)
      return noted.ok ? hsm.deleteKey(objectId) : noted
    })
    if (!removed.ok) return removed
  }
  await ports.keysChanged()
  return ok({
    facts: [
      fact('Restored to', `${device.value.token.model}, serial ${serial}`),
      fact('Origin, as that device says', originWords(restored.value.origin)),
      fact('SHA-256 of the public key there', copy.spkiSha256, 'digest'),
      fact('Compared', 'It is the public key of the first device.'),
      ...signed.value.facts,
      fact('Afterwards', step.keep ? 'The copy stays on that device.' : 'The copy was deleted from that device.'),
    ],
    files: signed.value.files,
  })
}

/** What yubihsm-shell writes: base64, with or without line ends. */
function wrappedBytes(text: string): Uint8Array | null {
  const plain = text.replaceAll(/\s/g, '')
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain) && plain.length >= 40
    ? Buffer.from(plain, 'base64')
    : null
}

/** Origins of the maker's guide: 1 generated, 2 imported, 0x10 came in under a wrap key. */
function originWords(origin: number): string {
  const born = (origin & 1) !== 0 ? 'generated in a YubiHSM' : (origin & 2) !== 0 ? 'imported' : 'not said'
  return (origin & 0x10) === 0 ? born : `${born}, came here under a wrap key`
}

async function sameKey(hsm: HsmDevice, objectId: number, key: CeremonyKey): Promise<Result<HsmObject, Failure>> {
  const there = await hsm.object('asymmetric-key', objectId)
  if (!there.ok) return there
  if (there.value === null || there.value.spki === null) return err(notOnDevice)
  return publicKey(there.value.spki).spkiSha256 === key.spkiSha256 ? ok(there.value) : err(differs)
}

async function wrapKeyAt(hsm: HsmDevice, objectId: number): Promise<Result<HsmObject, Failure>> {
  const there = await hsm.object('wrap-key', objectId)
  if (!there.ok) return there
  return there.value === null ? err(noWrapKey) : ok(there.value)
}

export const setDeviceOptions: Act<'device-options'> = async (attempt) => {
  const { step, records, intend } = attempt
  const device = deviceOf(records, step.device)
  if (!device.ok) return device
  const values = { leave: null, off: 0, on: 1, fixed: 2 } as const
  return withHsm(attempt, device.value, async (hsm) => {
    const wanted = `force-audit ${step.forceAudit}, command-audit of signatures ${step.auditSignatures}`
    const intended = await intend('set-option', device.value.token.serial, wanted)
    if (!intended.ok) return intended
    const set = await hsm.setAudit(values[step.forceAudit], values[step.auditSignatures])
    if (!set.ok) return set
    const words = ['off', 'on', 'on until the device is reset'] as const
    return ok({
      facts: [
        fact('Asked for', wanted),
        fact('Force audit, read back', words[set.value.force]),
        fact('Audit of signatures, read back', words[set.value.signatures]),
      ],
    })
  })
}

const notOnDevice: Failure = {
  kind: 'refused',
  code: 'key-absent',
  message: 'The key is not on this device. Nothing was done.',
}
const differs: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message:
    'Another key is under this id on the device: its public key differs. Nothing more was done. Find out who changed the device.',
}
const noWrapKey: Failure = {
  kind: 'refused',
  code: 'wrap-key-absent',
  message:
    'There is no wrap key under this id on the device. Nothing was done. Put the wrap key there first (yubihsm-shell -a put-wrap-key), then try again.',
}
const noBackup: Failure = {
  kind: 'invalid',
  code: 'backup-absent',
  message: 'The backup is not there, or is no base64 as yubihsm-shell writes it. Nothing was done.',
}
const sameDevice: Failure = {
  kind: 'refused',
  code: 'same-device',
  message: 'This is the device that the key is on. A restore is tested on another one. Nothing was done.',
}
const occupied: Failure = {
  kind: 'refused',
  code: 'id-occupied',
  message: 'Something is under this id on the other device already. Nothing was put there. Use a device that is empty.',
}
const otherObject: Failure = {
  kind: 'invalid',
  code: 'backup-of-another-key',
  message:
    'The backup held another object than this key. It is on the other device now: look at it and delete it with the maker’s tool.',
}
const uncertified: Failure = {
  kind: 'refused',
  code: 'no-certificate',
  message: 'The key has no certificate yet, so that its use could not be recorded. Nothing was done.',
}
