import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Statements that somebody with the database open, or a defect in the program, could send.

const at = '2026-11-20T12:00:00.000Z'
const print = 'AB'.repeat(32)
const other = 'CD'.repeat(32)
const digest = 'ef'.repeat(32)
const key = (fingerprint: string) =>
  `INSERT INTO signing_key (purpose, fingerprint, private_key, public_key, created_at, updated_at, description, state, production,
     origin, algorithm, spki_sha256, token_manufacturer, token_model, token_serial, cka_id)
   VALUES ('uefi', '${fingerprint}', '{"storage":"pkcs11-static"}', x'00', '${at}', '${at}', 'k', 'active', 1,
     'generated', 'rsa-2048', '${digest}', 'M', 'T', '1', '02')`
const hash = (n: number) => `x'${n.toString(16).padStart(64, '0')}'`
const entry = (seq: number, event = 'key-attested', fingerprint = print) =>
  `INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event, purpose, fingerprint)
   VALUES (${seq}, x'7b7d', ${hash(seq)}, ${hash(seq - 1)}, '${at}', '${event}', 'uefi', '${fingerprint}')`
const attested = (id: number, seq: number, change: Readonly<Record<string, string>> = {}) => {
  const { fingerprint, source, verdict, kind, certificates } = {
    fingerprint: print,
    source: 'token',
    verdict: '{"kind":"failed"}',
    kind: 'failed',
    certificates: 'PEM',
    ...change,
  }
  return `INSERT INTO key_attestation (id, purpose, fingerprint, audit_seq, at, operator, source, verdict, kind, certificates)
    VALUES (${id}, 'uefi', '${fingerprint}', ${seq}, '${at}', 'o', '${source}', '${verdict}', '${kind}', '${certificates}')`
}
const root = (id: number, sha256 = digest, device = 'yubihsm', rest = 'NULL, NULL') =>
  `INSERT INTO attestation_root VALUES (${id}, '${sha256}', '${device}', 'root', x'30', '${at}', 'o', ${rest})`
let file: BetterSqlite3.Database

beforeEach(() => {
  ;({ file } = memoryDatabase())
  for (const statement of [key(print), key(other), entry(1), attested(1, 1), root(1)]) file.exec(statement)
})

describe.each(['off', 'on'])('with recursive_triggers %s, the schema refuses', (recursive) => {
  test.each([
    ['a better verdict', `UPDATE key_attestation SET verdict = '{"kind":"verified"}', kind = 'verified'`],
    ['the end of an attestation', 'DELETE FROM key_attestation'],
    ['an attestation in place of one', `${entry(2)}; ${attested(1, 2).replace('INSERT', 'REPLACE')}`],
    ['an upsert', `${entry(2)}; ${attested(1, 2)} ON CONFLICT DO UPDATE SET kind = excluded.kind`],
    ['a gap', `${entry(2)}; ${attested(3, 2)}`],
    ['an attestation that no entry of the log tells of', attested(2, 1)],
    ['an attestation for an entry that is not there', attested(2, 2)],
    ['an attestation for an entry about something else', `${entry(2, 'key-registered')}; ${attested(2, 2)}`],
    ['an attestation for an entry about another key', `${entry(2, 'key-attested', other)}; ${attested(2, 2)}`],
    ['an attestation for an older entry', `${entry(2)}; ${entry(3, 'key-registered')}; ${attested(2, 2)}`],
    [
      'an attestation of a key that is not registered',
      `${entry(2, 'key-attested', 'EE'.repeat(32))}; ${attested(2, 2, { fingerprint: 'EE'.repeat(32) })}`,
    ],
    ['another kind than the verdict says', `${entry(2)}; ${attested(2, 2, { kind: 'verified' })}`],
    ['a kind that is none', `${entry(2)}; ${attested(2, 2, { kind: 'good', verdict: '{"kind":"good"}' })}`],
    [
      'a verified attestation without its certificates',
      `${entry(2)}; ${attested(2, 2, { kind: 'verified', verdict: '{"kind":"verified"}', certificates: '' })}`,
    ],
    [
      'certificates where there were none',
      `${entry(2)}; ${attested(2, 2, { kind: 'missing', verdict: '{"kind":"missing"}' })}`,
    ],
    ['a source that is none', `${entry(2)}; ${attested(2, 2, { source: 'rumour' })}`],
    ['the end of a key that has one', `DELETE FROM signing_key WHERE fingerprint = '${print}'`],
    ['the end of a root', 'DELETE FROM attestation_root'],
    ['another certificate for a root', `UPDATE attestation_root SET certificate = x'31'`],
    [
      'another certificate for a root, along with its withdrawal',
      `UPDATE attestation_root SET certificate = x'31', withdrawn_at = '${at}', withdrawn_by = 'o'`,
    ],
    ['a withdrawal that names nobody', `UPDATE attestation_root SET withdrawn_at = '${at}'`],
    ['a root in place of one', root(1, 'aa'.repeat(32)).replace('INSERT', 'REPLACE')],
    ['a root twice', root(2)],
    ['a root twice, in place of itself', root(2).replace('INSERT', 'REPLACE')],
    ['a gap in the roots', root(3, 'aa'.repeat(32))],
    ['a root that begins as withdrawn', root(2, 'aa'.repeat(32), 'yubihsm', `'${at}', 'o'`)],
    ['a root for a device that is none', root(2, 'aa'.repeat(32), 'softhsm')],
    ['a digest that is none', root(2, 'AA'.repeat(32))],
  ])('%s', (_name, statement) => {
    file.pragma(`recursive_triggers = ${recursive}`)
    const all = () =>
      ['key_attestation', 'attestation_root'].map((table) => file.prepare(`SELECT * FROM ${table}`).all())
    const before = all()
    // By a rule of the schema, not for a slip in the statement.
    expect(() => file.transaction(() => file.exec(statement))()).toThrow(/attestation-append-only|constraint failed/i)
    expect(all()).toEqual(before)
  })
})

test('a later look stands beside the earlier, and a root is withdrawn once and may be trusted again', () => {
  file.exec(`${entry(2)}; ${attested(2, 2, { kind: 'missing', verdict: '{"kind":"missing"}', certificates: '' })}`)
  expect(file.prepare('SELECT kind FROM key_attestation ORDER BY id').pluck().all()).toEqual(['failed', 'missing'])
  const withdraw = `UPDATE attestation_root SET withdrawn_at = '${at}', withdrawn_by = 'o' WHERE id = 1`
  file.exec(withdraw)
  expect(() => file.exec(withdraw)).toThrow('only be withdrawn, once')
  expect(() => file.exec('UPDATE attestation_root SET withdrawn_at = NULL, withdrawn_by = NULL')).toThrow('append-only')
  file.exec(root(2))
})
