import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { verifyTarget } from '../cli/verify-target.ts'
import { everything } from './export.ts'
import { formatVerifierKey } from './format/signed-note.ts'
import { type SaveExportParts, saveExport } from './save-export.ts'
import { type CheckpointedStation, checkpointedStation } from './testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'

async function station(entries = sampleEntries()) {
  const folder = tempFolder()
  const made = await checkpointedStation(join(folder, 'station.db'))
  await made.write(...entries)
  await made.checkpoint()
  const exports = join(folder, 'exports')
  mkdirSync(exports)
  return { made, exports }
}

const save = (made: CheckpointedStation, folder: string, change: Partial<SaveExportParts> = {}) =>
  saveExport({
    db: readerOf(made.db),
    key: made.logKey.key,
    selection: everything,
    folder,
    softwareVersion: '0.1.0',
    now: new Date('2026-05-01T12:34:56.789Z'),
    signal: new AbortController().signal,
    onProgress: () => {},
    ...change,
  })

describe('an export that is saved', () => {
  it('is one file under a name of ours, for its user alone, with the verifier key beside it', async () => {
    const { made, exports } = await station()
    const id = Buffer.from(made.logKey.key.id).toString('hex')
    const saved = await save(made, exports)
    const path = join(exports, `signing-log-${id}-20260501T123456789Z.jsonl`)
    expect(saved).toEqual({
      ok: true,
      value: { path, entries: sampleEntries().length, bytes: statSync(path).size },
    })
    expect(readdirSync(exports).toSorted()).toEqual([
      `signing-log-${id}-20260501T123456789Z.jsonl`,
      `signing-log-${id}.vkey`,
    ])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const vkey = readFileSync(join(exports, `signing-log-${id}.vkey`), 'utf8')
    expect(vkey).toBe(`${formatVerifierKey(made.logKey.key)}\n`)
    const outcome = verifyTarget({
      target: path,
      key: made.logKey.key,
      checkpoints: [],
      consistency: [],
      witnesses: [],
      file: null,
      readEntries: true,
      json: false,
    })
    expect(outcome).toMatchObject({ kind: 'cannot-tell', doubts: [{ code: 'no-known-checkpoint' }] })
    await made.close()
  })

  it('counts the entries that are in it, not those that are left out', async () => {
    const { made, exports } = await station()
    const requestId = sampleEntries().find((body) => body.event === 'intent')?.requestId ?? null
    const wanted = sampleEntries().filter((body) => 'requestId' in body && body.requestId === requestId).length
    const saved = await save(made, exports, { selection: { ...everything, requestId } })
    expect(saved).toMatchObject({ ok: true, value: { entries: wanted } })
    await made.close()
  })

  it('and is stopped leaves nothing behind', async () => {
    const { made, exports } = await station(Array.from({ length: 1200 }, (_, index) => sampleIntent(index)))
    const abort = new AbortController()
    const told: number[] = []
    const saved = await save(made, exports, {
      signal: abort.signal,
      onProgress: (entries) => {
        told.push(entries)
        abort.abort()
      },
    })
    expect({ saved, told: told.length }).toMatchObject({ saved: { error: { code: 'export-cancelled' } }, told: 1 })
    expect(readdirSync(exports)).toEqual([])
    await made.close()
  })

  it('replaces nothing, follows no link, and says where it could not be written', async () => {
    const { made, exports } = await station()
    const first = await save(made, exports)
    const bytes = first.ok ? readFileSync(first.value.path) : null
    expect(await save(made, exports, { softwareVersion: '9' })).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', code: 'export-not-written' },
    })
    expect(first.ok && readFileSync(first.value.path)).toEqual(bytes)
    const victim = join(exports, '..', 'victim')
    writeFileSync(victim, 'precious')
    const now = new Date('2026-05-02T00:00:00.000Z')
    const id = Buffer.from(made.logKey.key.id).toString('hex')
    symlinkSync(victim, join(exports, `signing-log-${id}-20260502T000000000Z.jsonl.new`))
    expect(await save(made, exports, { now })).toMatchObject({ ok: false, error: { code: 'export-not-written' } })
    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(await save(made, join(exports, 'none'))).toMatchObject({ error: { code: 'export-not-written' } })
    await made.close()
  })

  it('leaves out no entry of a key because somebody changed the column that repeats it', async () => {
    const { made, exports } = await station([sampleIntent(0), sampleIntent(1), sampleIntent(2)])
    const raw = new BetterSqlite3(made.path)
    raw.exec(
      `DROP TRIGGER audit_entry_no_update; UPDATE audit_entry SET fingerprint = '${'0A'.repeat(20)}' WHERE seq = 2`,
    )
    raw.close()
    const saved = await save(made, exports, { selection: { ...everything, fingerprint: sampleIntent().fingerprint } })
    expect(saved).toMatchObject({ ok: true, value: { entries: 3 } })
    await made.close()
  })
})
