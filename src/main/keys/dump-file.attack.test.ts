import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { maxDumpBytes, maxDumpKeys, readDump } from './dump-file.ts'

const real = (name: string) => readFileSync(new URL(`testdata/debusine-signing/${name}`, import.meta.url))
const sql = real('pg_dump.sql').toString('utf8')
const json = real('dumpdata.json').toString('utf8')

function file(content: string | Uint8Array): string {
  const path = join(tempFolder(), 'dump')
  writeFileSync(path, content)
  return path
}
const read = (path: string) => readDump(path, new AbortController().signal)
async function outcome(content: string | Uint8Array): Promise<unknown> {
  const dump = await read(file(content))
  if (!dump.ok) return dump.error.code
  return dump.value.rows.map((row) => ('problem' in row ? row.problem : `${row.purpose} ${row.record.storage}`))
}
const kinds = ['uefi pkcs11-static', 'uefi nacl', 'openpgp nacl', 'uefi nacl']

/** One COPY block of the keys' table with these lines. */
const block = (...lines: readonly string[]) =>
  `COPY public.signing_key (id, purpose, fingerprint, private_key, public_key, created_at, updated_at) FROM stdin;\n${lines.map((line) => `${line}\n`).join('')}\\.\n`
const row = (privateKey: string, publicKey = '\\\\x41', purpose = 'uefi', print = 'AA') =>
  `1\t${purpose}\t${print}\t${privateKey}\t${publicKey}\t2026-11-20 10:39:16+00\t\\N`
const box = `{"storage": "nacl", "public_key": "${'A'.repeat(43)}=", "encrypted": "${'A'.repeat(100)}"}`

describe('a dump of a real debusine-signing', () => {
  test('gives the rows of its keys, the same in both forms', async () => {
    const [fromSql, fromJson] = await Promise.all([read(file(sql)), read(file(json))])
    if (!fromSql.ok || !fromJson.ok) throw new Error('not read')
    expect([fromSql.value.format, fromJson.value.format]).toEqual(['postgresql-copy', 'django-json'])
    expect(fromSql.value.sha256).toBe(createHash('sha256').update(sql).digest('hex'))
    const plain = (rows: typeof fromSql.value.rows) =>
      rows.map((each) => ('problem' in each ? each : { ...each, place: 0, createdAt: null }))
    expect(plain(fromJson.value.rows)).toEqual(plain(fromSql.value.rows))
    expect(fromSql.value.rows.map((each) => ('problem' in each ? '' : each.record.storage))).toEqual([
      'pkcs11-static',
      'nacl',
      'nacl',
      'nacl',
    ])
    expect(fromSql.value.rows.map(({ place }) => sql.split('\n')[place - 1]?.split('\t')[0])).toEqual([
      '1',
      '2',
      '3',
      '4',
    ])
  })

  test('is the same with indentation, with another order of columns, and without its schema', async () => {
    expect(await outcome(JSON.stringify(JSON.parse(json), null, 4))).toEqual(kinds)
    expect(await outcome(sql.replace('COPY public.signing_key', 'COPY signing_key'))).toEqual(kinds)
    const turned = `COPY signing_key (private_key, public_key, fingerprint, purpose) FROM stdin;\n${box}\t\\\\x41\tAA\tuefi\n\\.\n`
    expect(await outcome(turned)).toEqual(['uefi nacl'])
  })
})

describe('a hostile dump', () => {
  test('that ends in the middle is refused whole, wherever it ends', async () => {
    const begin = sql.indexOf('COPY public.signing_key')
    const end = sql.indexOf('\\.', begin)
    for (let at = begin + 120; at < end; at += 487) expect(await outcome(sql.slice(0, at))).toBe('dump-truncated')
    for (let at = 1; at < json.length - 2; at += 487) expect(await outcome(json.slice(0, at))).toBe('dump-truncated')
  })

  test.each([
    ['a custom-format dump', Buffer.from('PGDMP\x01\x0e'), 'dump-format'],
    ['a packed dump', gzipSync(sql), 'dump-format'],
    ['a binary', Buffer.from([1, 2, 0, 3]), 'dump-format'],
    ['a dump with INSERTs', "INSERT INTO public.signing_key VALUES (1, 'uefi');\n", 'dump-format'],
    ['an empty file', '', 'dump-without-keys'],
    ['a dump of another database', sql.replaceAll('signing_key', 'db_workrequest'), 'dump-without-keys'],
    ['an empty array', '[]', 'dump-without-keys'],
    ['an array of another table', '[{"model": "signing.auditlog", "pk": 1, "fields": {}}]', 'dump-without-keys'],
    ['something after the array', `${json}{}`, 'dump-malformed'],
    ['an array of numbers', '[1, 2]', 'dump-malformed'],
    ['a table without the column of the private keys', block().replace('private_key, ', ''), 'dump-malformed'],
    ['a column named twice', block().replace('id, ', 'purpose, '), 'dump-malformed'],
    ['too many keys', block(...Array.from({ length: maxDumpKeys + 1 }, () => row('{}'))), 'dump-too-many'],
  ])('that is %s is refused', async (_, content, code) => {
    expect(await outcome(content)).toBe(code)
  })

  test('has its malformed rows named, and the others read', async () => {
    const lines = [
      row(box),
      '1\tuefi',
      row('\\N'),
      row(box, 'abc'),
      row(box, '\\\\x4'),
      row('{"storage": "nacl"'),
      row('{"storage": "vault", "path": "/x"}'),
      row('{"storage": "nacl", "public_key": "AA==", "encrypted": "AA=="}'),
      row('[[[[[[[['.repeat(1000)),
      row(`{"storage": "nacl", "public_key": "${'A'.repeat(70_000)}"}`),
      row(box, '\\\\x42'),
    ]
    expect(await outcome(block(...lines))).toEqual([
      'uefi nacl',
      'It has 2 columns where 7 are named.',
      'A column that every key has is empty.',
      'Its public key is not written as bytes.',
      'Its public key is not written as bytes.',
      'uefi malformed',
      'uefi other',
      'uefi malformed',
      'uefi malformed',
      'It is longer than any key.',
      'uefi nacl',
    ])
  })

  test('has no row of another table taken for a key, whatever stands in it', async () => {
    const inside = block(row(box)).slice(0, -3)
    const audit = `COPY public.signing_auditlog (id, data) FROM stdin;\n1\t{}\n${inside}\\.\n`
    expect(await outcome(`${audit}${block(row(box, '\\\\x42'))}`)).toEqual(['uefi nacl'])
    const nested = `[{"model": "signing.auditlog", "fields": {"data": ${JSON.stringify(json)}, "more": ${json}}}]`
    expect(await outcome(nested)).toBe('dump-without-keys')
  })

  test.each([
    ['model', '{"fields": {}}', 'It is no object with a model, as dumpdata writes them.'],
    ['fields', '{"model": "signing.key"}', 'Its fields is not that of a key.'],
    [
      'bytes',
      '{"model": "signing.key", "fields": {"purpose": "uefi", "fingerprint": "A", "private_key": {}, "public_key": "%%"}}',
      'Its fields.public_key is not that of a key.',
    ],
    [
      'brackets',
      `{"model": "signing.key", "fields": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      'Its fields is not that of a key.',
    ],
    [
      'a prototype',
      '{"__proto__": {"model": "signing.key"}}',
      'It is no object with a model, as dumpdata writes them.',
    ],
  ])('has an object without %s named', async (_, object, problem) => {
    expect(await outcome(`[${object}]`)).toEqual([problem])
  })

  test('has one line or one string of any length passed over, with little of it held', async () => {
    const path = join(tempFolder(), 'dump')
    writeFileSync(path, `COPY public.signing_auditlog (id, data) FROM stdin;\n${'x'.repeat(3_000_000)}\n\\.\n`)
    writeFileSync(path, block(row(box)), { flag: 'a' })
    expect(await read(path)).toMatchObject({ ok: true, value: { rows: [{ purpose: 'uefi' }] } })
    const long = `"x": "${'\\"'.repeat(1_000_000)}"}`
    expect(await outcome(`[{"model": "signing.auditlog", ${long}, ${json.slice(1)}`)).toEqual(kinds)
    expect(await outcome(`[{"model": "signing.key", ${long}, ${json.slice(1)}`)).toEqual([
      'It is longer than any key.',
      ...kinds,
    ])
  })

  test('that is larger than any is given up, also if it has holes', async () => {
    const path = file('-- \n')
    truncateSync(path, maxDumpBytes + 1)
    expect(await read(path)).toMatchObject({ ok: false, error: { code: 'dump-too-large' } })
  })

  test('that is no file of ours is not opened, and holds nothing up', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'dir'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    for (const name of ['dir', 'pipe', 'absent'])
      expect(await read(join(folder, name))).toMatchObject({ ok: false, error: { code: 'dump-unreadable' } })
  })

  test('is given up between two pieces when it is asked to stop', async () => {
    const stop = new AbortController()
    stop.abort()
    expect(await readDump(file(sql), stop.signal)).toMatchObject({ ok: false, error: { code: 'dump-unreadable' } })
  })
})
