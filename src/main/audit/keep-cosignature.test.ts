import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { parseCommandLine } from '../cli/verify-arguments.ts'
import { verifyTarget } from '../cli/verify-target.ts'
import { testMedia } from '../media/testing/test-media.ts'
import { parseCheckpoint } from './format/checkpoint.ts'
import { verifyCosignature } from './format/cosignature.ts'
import { formatVerifierKey, noteKeyType } from './format/signed-note.ts'
import { keepCosignature } from './keep-cosignature.ts'
import { keptElsewhere } from './kept-elsewhere.ts'
import { checkpointedStation } from './testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'
import { cosign, sampleKey } from './testing/sample-log.ts'
import { lastCheckpoint } from './tree.repository.ts'

const witness = sampleKey('witness', 'witness.example.com/w1', noteKeyType.cosignature)
const stranger = sampleKey('stranger', 'stranger.example.com/w1', noteKeyType.cosignature)
const vkey = formatVerifierKey(witness.key)
const now = new Date('2026-05-01T00:00:00.000Z')

async function signed() {
  const path = join(tempFolder(), 'station.db')
  const station = await checkpointedStation(path)
  await station.write(...sampleEntries())
  return { path, station, note: await station.checkpoint() }
}

describe('what a witness answers', () => {
  it.each([
    ['signature lines for the last checkpoint', (_note: string, line: string) => line],
    [
      'a whole checkpoint, as a browser copies it',
      (note: string, line: string) => `${note}${line}`.replaceAll('\n', '\r\n'),
    ],
  ])('is kept as %s, once, and is part of the checkpoint from then on', async (_name, answer) => {
    const { path, station, note } = await signed()
    const text = answer(note, cosign(note, witness, 1_800_000_000))
    expect(await keepCosignature(station.db, text, vkey, [vkey], now)).toEqual({ ok: true, value: null })
    expect(await keepCosignature(station.db, text, vkey, [vkey], now)).toEqual({ ok: true, value: null })
    const kept = await lastCheckpoint(readerOf(station.db))
    const parsed = parseCheckpoint(kept?.note ?? '')
    expect(parsed.ok && verifyCosignature(parsed.value.note, witness.key)).toEqual({
      kind: 'verified',
      time: 1_800_000_000,
    })
    // And it is what is put beside the database, and looked for when the log is verified.
    await station.checkpoint()
    const settings = { checkpointFolders: [], witnesses: [vkey, formatVerifierKey(stranger.key)] }
    expect(await keptElsewhere(readerOf(station.db), path, station.logKey.key, settings, testMedia())).toMatchObject({
      beside: { text: kept?.note },
      witnesses: [vkey],
    })
    await station.close()
    // And the auditor's verifier finds it in the database.
    const own = formatVerifierKey(station.logKey.key)
    const wanted = parseCommandLine(['--vkey', own, '--witness', vkey, path])
    expect(wanted.kind === 'wanted' && verifyTarget(wanted.wanted)).toMatchObject({
      facts: { cosigned: [{ witness: witness.key.name, time: 1_800_000_000 }] },
    })
  })

  it('is not kept when it is of a stranger, for another checkpoint, edited, or no answer at all', async () => {
    const { station, note } = await signed()
    const line = cosign(note, witness, 1_800_000_000)
    const theirs = formatVerifierKey(stranger.key)
    const keep = (text: string, by = vkey, known = [vkey]) => keepCosignature(station.db, text, by, known, now)
    expect(await keep(cosign(note, stranger, 1), theirs)).toMatchObject({ error: { code: 'witness-unknown' } })
    expect(await keep(line, formatVerifierKey(station.logKey.key))).toMatchObject({
      error: { code: 'witness-unknown' },
    })
    expect(await keep(cosign(note, stranger, 1))).toMatchObject({ error: { code: 'cosignature-wrong' } })
    await station.write(sampleIntent())
    await station.checkpoint()
    expect(await keep(line)).toMatchObject({ error: { code: 'cosignature-wrong' } })
    expect(await keep('nonsense')).toMatchObject({ error: { code: 'cosignature-wrong' } })
    expect(await keep(`${note.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) + 1}\n`)}${line}`)).toMatchObject({
      ok: false,
    })
    expect(await station.db.selectFrom('audit_cosignature').selectAll().execute()).toEqual([])
    // A checkpoint of before is still one of this log.
    expect(await keep(`${note}${line}`)).toEqual({ ok: true, value: null })
    await station.close()
  })

  it('is refused as it would be for the first time, when there is a cosignature already', async () => {
    const { station, note } = await signed()
    const namesake = sampleKey('namesake', witness.key.name, noteKeyType.cosignature)
    const theirs = formatVerifierKey(namesake.key)
    const keep = (text: string, by = vkey) => keepCosignature(station.db, text, by, [vkey, theirs], now)
    expect(await keep(cosign(note, witness, 1_800_000_000))).toEqual({ ok: true, value: null })
    const refused = { ok: false, error: { code: 'cosignature-wrong' } }
    expect(await keep('no answer at all')).toMatchObject(refused)
    expect(await keep(cosign(note, namesake, 1_800_000_000))).toMatchObject(refused)
    expect(await keep(cosign(note, namesake, 1_800_000_000), theirs)).toMatchObject(refused)
    expect(await keep(cosign(note, witness, 1_800_000_001))).toEqual({ ok: true, value: null })
    await station.close()
  })
})
