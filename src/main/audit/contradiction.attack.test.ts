import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { addContradiction, contradictionFileOf, readContradictions } from './contradiction.ts'
import { createContradictions } from './contradictions.ts'
import { openCheckpoint } from './format/checkpoint.ts'
import { formatVerifierKey, noteKeyType } from './format/signed-note.ts'
import { keepCosignature } from './keep-cosignature.ts'
import { checkpointedStation } from './testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'
import { cosign, sampleKey } from './testing/sample-log.ts'

const { key } = sampleKey()
const now = () => new Date('2026-05-01T00:00:00.000Z')

/** A log, and a checkpoint by its key of another one. */
async function forked() {
  const other = await checkpointedStation(join(tempFolder(), 'station.db'))
  await other.write(...sampleEntries().toReversed())
  const note = await other.checkpoint()
  await other.close()
  const station = await checkpointedStation(join(tempFolder(), 'station.db'))
  await station.write(sampleIntent())
  await station.checkpoint()
  const signed = openCheckpoint(note, key)
  if (!signed.ok) throw new Error(signed.error.code)
  const file = contradictionFileOf(station.path)
  const evidence = { path: '/media/a', note, signed: signed.value, how: 'more-entries' } as const
  return { station, file, evidence, store: () => createContradictions(station.db, station.path, now) }
}

describe('a contradiction', () => {
  it('is on disk before anything is waited for, once, and only its owner can read it', async () => {
    const { station, file, evidence, store } = await forked()
    const first = store()
    const recording = first.record(evidence)
    const atOnce = readFileSync(file, 'utf8')
    expect(JSON.parse(atOnce)).toMatchObject({ path: '/media/a', size: sampleEntries().length, note: evidence.note })
    expect(await recording).toEqual({ ok: true, value: null })
    await first.record({ ...evidence, path: '/media/b' })
    expect(readFileSync(file, 'utf8')).toBe(atOnce)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await store().open(key)).toMatchObject({ value: [{ path: '/media/a', isContained: false, logSize: 1 }] })
    await station.close()
  })

  it('is told by the database when its file is gone, and by its file when the database is older', async () => {
    const { station, file, evidence, store } = await forked()
    await store().record(evidence)
    const line = readFileSync(file)
    rmSync(file)
    expect(await store().open(key)).toMatchObject({ ok: true, value: [{ note: evidence.note }] })
    await station.close()
    writeFileSync(file, line)
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${station.path}${suffix}`, { force: true })
    const older = await checkpointedStation(station.path)
    expect(await createContradictions(older.db, older.path, now).open(key)).toMatchObject({
      ok: true,
      value: [{ note: evidence.note }],
    })
    await older.close()
  })

  it('is kept where the other of the two places takes nothing', async () => {
    const { station, file, evidence, store } = await forked()
    mkdirSync(`${file}.new`)
    writeFileSync(join(`${file}.new`, 'in the way'), '')
    expect(await store().record(evidence)).toEqual({ ok: true, value: null })
    expect(existsSync(file)).toBe(false)
    expect(await store().open(key)).toMatchObject({ value: [{ note: evidence.note }] })
    await station.close()
    // And a database that cannot be written leaves the file.
    const closed = await forked()
    await closed.station.close()
    await closed
      .store()
      .record(closed.evidence)
      .catch(() => null)
    expect(readContradictions(closed.file)).toMatchObject({ ok: true, value: [{ note: closed.evidence.note }] })
  })

  it.each([
    ['emptied', (file: string) => writeFileSync(file, '')],
    ['cut', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 200))],
    ['without its line end', (file: string) => writeFileSync(file, readFileSync(file, 'utf8').trimEnd())],
    ['of other members', (file: string) => writeFileSync(file, '{"id":"none"}\n')],
    ['a link to nothing', (file: string) => (rmSync(file), symlinkSync('/nowhere', file))],
    ['a folder', (file: string) => (rmSync(file), mkdirSync(file))],
    ['a pipe', (file: string) => (rmSync(file), void execFileSync('mkfifo', [file]))],
  ])('of which the file was %s is never taken for none', async (_name, harm) => {
    const { station, file, evidence, store } = await forked()
    await store().record(evidence)
    harm(file)
    expect(await store().open(key)).toMatchObject({ ok: false, error: expect.stringContaining(file) })
    const record = { id: 'ab'.repeat(32), foundAt: '', path: '', size: 1, how: 'more-entries', note: '' }
    expect(addContradiction(file, record as unknown as Parameters<typeof addContradiction>[1]).ok).toBe(false)
    await station.close()
  })

  it('stays open for whoever names another database key, and for a log that is put back to before its closing', async () => {
    const { station, evidence, store } = await forked()
    await store().record(evidence)
    expect(await store().open(sampleKey('another').key)).toMatchObject({
      value: [{ isContained: false, sentence: expect.stringContaining('not signed by the key') }],
    })
    const record = await store().find(
      (await store()
        .open(key)
        .then((open) => open.ok && open.value[0]?.id)) || '',
    )
    if (record === null) throw new Error('not found')
    const { id, foundAt, path, size, note } = record
    const closing = { contradiction: id, foundAt, path, size, contained: false, checkpoint: note }
    await station.write({ event: 'contradiction-closed', ...closing, reason: 'Known.', operator: 'Zoë' })
    expect(await store().open(key)).toEqual({ ok: true, value: [] })
    await station.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${station.path}${suffix}`, { force: true })
    const older = await checkpointedStation(station.path)
    expect(await createContradictions(older.db, older.path, now).open(key)).toMatchObject({ value: [{ id }] })
    expect(dirname(older.path)).toBe(dirname(station.path))
    await older.close()
  })
})

describe('a witness that has seen another log', () => {
  it('gives evidence and no cosignature', async () => {
    const { station, evidence } = await forked()
    const witness = sampleKey('witness', 'witness.example.com/w1', noteKeyType.cosignature)
    const vkey = formatVerifierKey(witness.key)
    const answer = `${evidence.note}${cosign(evidence.note, witness, 1_800_000_000)}`
    expect(await keepCosignature(station.db, answer, vkey, [vkey], now())).toMatchObject({
      ok: false,
      error: { code: 'checkpoint-contradicts', evidence: { how: 'more-entries', path: expect.stringContaining('w1') } },
    })
    // What is not signed by the key of this log is no evidence: anybody could write it.
    const edited = answer.replace('\n', '\n1')
    expect(await keepCosignature(station.db, edited, vkey, [vkey], now())).toMatchObject({
      error: { code: 'cosignature-wrong' },
    })
    await station.close()
  })
})
