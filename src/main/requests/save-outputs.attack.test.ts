import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../../../db/testing/memory-db.ts'
import { auditSeq, fingerprint, requestId, sha256Hex } from '../../shared/ids.ts'
import { encodeEntry } from '../audit/format/encode.ts'
import { sampleSigned } from '../audit/testing/sample-entries.ts'
import { saveOutputs } from './save-outputs.ts'

const at = '2026-06-01T12:00:00.000Z'
const id = requestId.parse('6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10')
const sheet = 'd4'.repeat(32)
const print = fingerprint.parse('C3'.repeat(32))
/** A log without a key. */
const none = { proofOf: async () => null, ofLog: async () => ({ checkpoint: null, vkey: null }) }

describe('outputs that are saved', () => {
  let folder: string
  let exports: string
  let station: ReturnType<typeof memoryDatabase>
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'exports-'))
    exports = join(folder, 'exports')
    mkdirSync(exports)
    station = memoryDatabase()
    station.file.exec(`
      INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event) VALUES (1, x'7b7d', zeroblob(32), zeroblob(32), '${at}', 'test');
      INSERT INTO request (id, server, work_request_id, workspace, fetched_at, task_name, raw, created_by, requested_at, retry_count,
        title, stage, state, file_count, signed_count, received_at, updated_at)
      VALUES ('${id}', 'https://s/api', 42, 'w', '${at}', 'sign', '{}', 1, '${at}', 0, 't', 'review', '{"kind":"review"}', 9, 0, '${at}', '${at}');
      INSERT INTO review_sheet VALUES ('${id}', '${sheet}', x'7b7d', '${at}', '${at}');
      INSERT INTO decision VALUES ('${id}', 'approved', '${sheet}', 'rm', NULL, '${at}');`)
  })
  afterEach(async () => {
    await station.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function sign(ordinal: number, path: string): void {
    const input = 'a1'.repeat(32)
    const { file } = station
    const [intent, outcome] = [2 + 2 * ordinal, 3 + 2 * ordinal]
    const output = Buffer.from(`signature ${ordinal}`)
    file.prepare('INSERT INTO request_file VALUES (?, ?, 0, 7, ?, 1, ?)').run(id, ordinal, path, input)
    const outputSha256 = sha256Hex.parse(createHash('sha256').update(output).digest('hex'))
    const body = { ...sampleSigned(), requestId: id, ordinal, fingerprint: print, outputSha256 }
    for (const seq of [intent, outcome])
      file
        .prepare(
          `INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event) SELECT ?, ?, randomblob(32), leaf_hash, '${at}', 'signed' FROM audit_entry ORDER BY seq DESC LIMIT 1`,
        )
        .run(seq, encodeEntry({ seq: auditSeq.parse(seq), at, prev: sha256Hex.parse('0'.repeat(64)) }, body))
    file
      .prepare(`INSERT INTO signature VALUES (?, ?, ?, 'uefi', ?, ?, 'begun', ?, NULL, NULL, NULL, NULL, '${at}')`)
      .run(id, ordinal, sheet, print, input, intent)
    file
      .prepare(
        `UPDATE signature SET state = 'signed', outcome_seq = ?, output = ?, output_sha256 = ? WHERE ordinal = ?`,
      )
      .run(outcome, output, outputSha256, ordinal)
  }

  test('stay in their folder, one file each, whatever their names are', async () => {
    const names = [
      '../../../escape',
      '/etc/passwd',
      'a/b/..',
      'nul\0byte',
      '\u202efe.exe',
      '-rf',
      '.hidden',
      'same.efi',
      'other/same.efi',
      `${'x'.repeat(400)}.efi`,
    ]
    for (const [ordinal, name] of names.entries()) sign(ordinal, name)
    const saved = await saveOutputs(station.db, id, exports, '.sig', none)
    expect(saved).toEqual({
      ok: true,
      value: { folder: join(exports, 'work-request-42-s'), files: names.length, proofs: 0 },
    })
    expect(readdirSync(folder)).toEqual(['exports'])
    expect(readdirSync(exports)).toEqual(['work-request-42-s'])
    const files = readdirSync(join(exports, 'work-request-42-s')).toSorted()
    expect(files).toHaveLength(names.length)
    for (const [ordinal, file] of files.entries()) {
      expect(file).toMatch(/^\d{3}-[A-Za-z0-9._+-]{0,150}\.sig$/)
      const path = join(exports, 'work-request-42-s', file)
      expect(readFileSync(path, 'utf8')).toBe(`signature ${ordinal}`)
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
  })
  test.each([
    ['https://debusine.example.org/api', 'work-request-42-debusine.example.org'],
    ['https://debusine.example.org:8443/api/', 'work-request-42-debusine.example.org_8443'],
    ['https://[2001:db8::1]/one/api', 'work-request-42-_2001_db8__1__one'],
    ['https://example.org/..%2f..%2fetc/api', 'work-request-42-example.org_.._2f.._2fetc'],
  ])('of %s have a folder that no other server’s request of that number has', async (server, name) => {
    station.file.prepare('UPDATE request SET server = ?').run(server)
    sign(0, 'a.efi')
    expect(await saveOutputs(station.db, id, exports, '.sig', none)).toMatchObject({
      value: { folder: join(exports, name) },
    })
    expect(readdirSync(exports)).toEqual([name])
  })
  test('have their proof beside them, under a name that no output can take, and what it is checked with', async () => {
    const names = ['a.efi', 'log.checkpoint', 'a.efi.sig.tlog-proof']
    for (const [ordinal, name] of names.entries()) sign(ordinal, name)
    const evidence = {
      proofOf: async (seq: number) => `proof of ${seq}`,
      ofLog: async () => ({ checkpoint: 'the checkpoint', vkey: 'the key' }),
    }
    const saved = await saveOutputs(station.db, id, exports, '.sig', evidence)
    expect(saved).toMatchObject({ ok: true, value: { files: 3, proofs: 3 } })
    const written = join(exports, 'work-request-42-s')
    expect(readdirSync(written).toSorted()).toEqual([
      '001-a.efi.sig',
      '001-a.efi.sig.tlog-proof',
      '002-log.checkpoint.sig',
      '002-log.checkpoint.sig.tlog-proof',
      '003-a.efi.sig.tlog-proof.sig',
      '003-a.efi.sig.tlog-proof.sig.tlog-proof',
      'log.checkpoint',
      'log.vkey',
    ])
    expect(readFileSync(join(written, '001-a.efi.sig.tlog-proof'), 'utf8')).toBe('proof of 3')
    expect(readFileSync(join(written, 'log.vkey'), 'utf8')).toBe('the key\n')
    expect(statSync(join(written, '001-a.efi.sig.tlog-proof')).mode & 0o777).toBe(0o600)
  })
  test('are not handed out when they are not what the log says that was made', async () => {
    sign(0, 'a.efi')
    const { sql } = station.file
      .prepare<[], { sql: string }>(`SELECT sql FROM sqlite_schema WHERE name = 'signature_forward'`)
      .get() ?? { sql: '' }
    station.file.exec(`DROP TRIGGER signature_forward; UPDATE signature SET output = x'00'; ${sql}`)
    expect(await saveOutputs(station.db, id, exports, '.sig', none)).toMatchObject({
      error: { code: 'output-changed' },
    })
  })
  test('are not there when nothing is signed, and for no request that is not there', async () => {
    expect(await saveOutputs(station.db, id, exports, '.sig', none)).toMatchObject({
      error: { code: 'nothing-signed' },
    })
    const other = requestId.parse('00000000-0000-4000-8000-000000000000')
    expect(await saveOutputs(station.db, other, exports, '.sig', none)).toMatchObject({
      error: { code: 'no-such-request' },
    })
    expect(readdirSync(exports)).toEqual([])
  })
  test('that cannot be written are a failure that says where, and stay in the database', async () => {
    sign(0, 'a.efi')
    symlinkSync('/dev/null', join(exports, 'work-request-42-s'))
    expect(await saveOutputs(station.db, id, exports, '.sig', none)).toMatchObject({
      error: { kind: 'unavailable', code: 'export-not-written' },
    })
    expect(station.file.prepare('SELECT count(*) AS n FROM signature').get()).toEqual({ n: 1 })
  })
})
