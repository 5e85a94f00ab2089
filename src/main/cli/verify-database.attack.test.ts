import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleCheckpoint, sampleKey, sampleLog } from '../audit/testing/sample-log.ts'
import { at, bodies, forged, known, prepareLogs, size, verify, vkey } from './testing/logs.ts'

// Someone who can write every file of the station, has this program, and knows the formats; the log's private key and the
// checkpoint that was kept elsewhere are not his.

prepareLogs()

describe('what nobody touched', () => {
  it.each(['station.db', 'whole.jsonl', 'part.jsonl'])('is verified with a checkpoint from elsewhere: %s', (file) => {
    expect(verify(at(file), ...known, '--read-entries')).toMatchObject({
      kind: 'verified',
      facts: { size, known: [size], lastCheckpoint: size },
    })
  })

  it('is verified with an older checkpoint, and then what may have been cut off is said', () => {
    const outcome = verify(at('whole.jsonl'), '--vkey', vkey, '--checkpoint', at('older.checkpoint'))
    expect(outcome).toMatchObject({ kind: 'verified', facts: { known: [8] } })
    expect(outcome.kind === 'verified' && outcome.sentence).toContain(`cut off behind entry ${size} cannot be excluded`)
  })

  it('leaves out most entries in an export of a part, and shows that they are only left out', () => {
    const outcome = verify(at('part.jsonl'), ...known)
    expect(outcome).toMatchObject({ kind: 'verified', facts: { size } })
    if (outcome.kind !== 'verified' || outcome.facts === null) throw new Error('not verified')
    expect(outcome.facts.read + outcome.facts.omitted).toBe(size)
    expect(outcome.facts.omitted).toBeGreaterThan(5)
  })

  it.each(['station.db', 'whole.jsonl', 'part.jsonl'])('is not called verified without one: %s', (file) => {
    expect(verify(at(file), '--vkey', vkey)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'no-known-checkpoint' }],
    })
    expect(verify(at(file), '--checkpoint', at('last.checkpoint'))).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'key-not-known' }],
    })
  })
})

type Tampering = readonly [name: string, change: (file: BetterSqlite3.Database) => void, finding: object]

const text = (from: string, to: string, seq: number) => (file: BetterSqlite3.Database) =>
  changed(
    file,
    `update audit_entry set entry = cast(replace(cast(entry as text), '${from}', '${to}') as blob) where seq = ${seq}`,
  )

function changed(file: BetterSqlite3.Database, statement: string): void {
  expect(file.prepare(statement).run().changes).toBeGreaterThan(0)
}

/** Replaces the entries from `from` on by others that are well made and linked, with every hash right. */
function rebuild(file: BetterSqlite3.Database, forged: readonly AuditEntryBody[]): void {
  const { entries, leaves } = sampleLog(forged)
  file.exec('delete from audit_entry')
  const insert = file.prepare(
    'insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event) values (?, ?, ?, ?, ?, ?)',
  )
  for (const [index, entry] of entries.entries())
    insert.run(index + 1, entry, leaves[index], leaves[index - 1] ?? Buffer.alloc(32), '2026-01-02T03:04:05.678Z', 'x')
}

const intentSeq = bodies.findIndex((body) => body.event === 'intent') + 1

// Each field of an entry in turn: a member of the first signature, by what it says.
const members = JSON.parse(String(sampleLog(bodies).entries[intentSeq - 1])) as Record<string, unknown>
const edits: readonly Tampering[] = Object.entries(members)
  .filter(([name]) => name !== 'seq' && name !== 'prev')
  .map(([name, value]) => {
    const from = `"${name}":${typeof value === 'object' ? JSON.stringify(value, Object.keys(value ?? {}).sort()) : JSON.stringify(value)}`
    return [
      `the member ${name} of an entry`,
      text(from, `"${name}":"x"`, intentSeq),
      { code: 'entry-changed', first: intentSeq, last: intentSeq },
    ]
  })

const tampering: readonly Tampering[] = [
  ...edits,
  [
    'the stored hash of an entry',
    (file) => changed(file, 'update audit_entry set leaf_hash = zeroblob(32) where seq = 5'),
    { code: 'entry-changed', first: 5 },
  ],
  [
    'the stored link of an entry',
    (file) => changed(file, 'update audit_entry set prev_hash = zeroblob(32) where seq = 5'),
    { code: 'entry-unlinked', first: 4, last: 5 },
  ],
  [
    'the type of a column',
    (file) => changed(file, `update audit_entry set entry = zeroblob(262144) where seq = 5`),
    { code: 'entry-changed', first: 5 },
  ],
  [
    'the first entry, deleted',
    (file) => changed(file, 'delete from audit_entry where seq = 1'),
    { code: 'entry-missing', first: 1, last: 1 },
  ],
  [
    'three in the middle, deleted',
    (file) => changed(file, 'delete from audit_entry where seq between 9 and 11'),
    { code: 'entry-missing', first: 9, last: 11 },
  ],
  [
    'one in the middle, deleted and the rest moved up',
    (file) => file.exec('delete from audit_entry where seq = 9; update audit_entry set seq = seq - 1 where seq > 9'),
    { code: 'entry-missing', first: 9, last: 9 },
  ],
  [
    'the last entry, deleted',
    (file) => changed(file, `delete from audit_entry where seq = ${size}`),
    { code: 'log-shorter', first: size, last: size },
  ],
  [
    'the last five, deleted',
    (file) => changed(file, `delete from audit_entry where seq > ${size - 5}`),
    { code: 'log-shorter', first: size - 4, last: size },
  ],
  [
    'the last five with their checkpoint, deleted',
    (file) =>
      file.exec(
        `delete from audit_entry where seq > ${size - 5}; delete from audit_checkpoint where size > ${size - 5}`,
      ),
    { code: 'log-shorter', first: size - 4, last: size },
  ],
  [
    'everything, deleted',
    (file) => file.exec('delete from audit_entry; delete from audit_checkpoint'),
    { code: 'log-shorter', first: 1, last: size },
  ],
  [
    'two entries, exchanged',
    (file) =>
      file.exec(
        'update audit_entry set seq = 999 where seq = 9; update audit_entry set seq = 9 where seq = 10; update audit_entry set seq = 10 where seq = 999',
      ),
    { code: 'entry-missing', first: 9 },
  ],
  [
    'an entry, repeated at the end',
    (file) =>
      file.exec(
        `insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event) select ${size + 1}, entry, leaf_hash, prev_hash, at, event from audit_entry where seq = ${size}`,
      ),
    { code: 'entry-out-of-place', first: size + 1 },
  ],
  [
    'all, written anew with new hashes',
    (file) => rebuild(file, forged),
    { code: 'log-rewritten', first: 9, last: size },
  ],
  [
    'all, written anew without checkpoints',
    (file) => {
      rebuild(file, forged)
      file.exec('delete from audit_checkpoint')
    },
    { code: 'log-rewritten', first: 1, last: size },
  ],
  [
    'one well-made entry, put in and all after it written anew',
    (file) => {
      rebuild(file, [
        ...bodies.slice(0, 10),
        { event: 'duty-changed', onDuty: true, operator: 'Mallory' },
        ...bodies.slice(10),
      ])
    },
    { code: 'log-rewritten', first: 9, last: size },
  ],
  [
    'a clock that was set back',
    (file) => {
      rebuild(file, bodies)
      file.exec('delete from audit_checkpoint')
      text('2026-01-02T03:04:14', '2026-01-02T03:04:01', 10)(file)
    },
    { code: 'entry-changed', first: 10 },
  ],
  [
    'the size in a checkpoint',
    (file) =>
      changed(
        file,
        `update audit_checkpoint set note = replace(note, char(10) || '8' || char(10), char(10) || '7' || char(10)) where size = 8`,
      ),
    { code: 'checkpoint-signature-wrong' },
  ],
  [
    'the signature of a checkpoint',
    (file) =>
      changed(
        file,
        `update audit_checkpoint set note = substr(note, 1, length(note) - 8) || 'AAAAAA=' || char(10) where size = 8`,
      ),
    { code: 'checkpoint-signature-wrong' },
  ],
  [
    'the form of a checkpoint',
    (file) => changed(file, `update audit_checkpoint set note = note || note where size = 8`),
    { code: 'checkpoint-malformed' },
  ],
  [
    'the place of a checkpoint',
    (file) => changed(file, 'update audit_checkpoint set size = 7 where size = 8'),
    { code: 'checkpoint-out-of-place' },
  ],
  [
    'the key of the log',
    (file) => changed(file, `update audit_log_key set vkey = '${formatVerifierKey(sampleKey('mallory').key)}'`),
    { code: 'other-log' },
  ],
  [
    'the key, the entries and the checkpoints: all of it another’s',
    (file) => {
      rebuild(file, forged)
      const mallory = sampleKey('mallory')
      const { leaves } = sampleLog(forged)
      file.exec(`delete from audit_checkpoint; update audit_log_key set vkey = '${formatVerifierKey(mallory.key)}'`)
      file
        .prepare('insert into audit_checkpoint (size, note, at) values (?, ?, ?)')
        .run(size, sampleCheckpoint(leaves, size, mallory), '2026-01-02T03:04:05.678Z')
    },
    { code: 'other-log' },
  ],
]

function tamperedDatabase(change: (file: BetterSqlite3.Database) => void): string {
  copyFileSync(at('copy.db'), at('tampered.db'))
  const file = new BetterSqlite3(at('tampered.db'))
  file.pragma('journal_mode = DELETE')
  file.pragma('synchronous = OFF')
  const triggers = file.prepare<[], { name: string }>(`select name from sqlite_schema where type = 'trigger'`).all()
  for (const { name } of triggers) file.exec(`drop trigger ${name}`)
  change(file)
  file.close()
  return at('tampered.db')
}

describe('in a database, given the last checkpoint, the verifier names', () => {
  it.each(tampering)('%s', (_name, change, finding) => {
    expect(verify(tamperedDatabase(change), ...known)).toMatchObject({ kind: 'tampered', finding })
  })

  it('an older copy of the file', async () => {
    const station = await checkpointedStation(at('older.db'))
    await station.write(...bodies.slice(0, 8))
    await station.checkpoint()
    await station.close()
    expect(verify(at('older.db'), ...known)).toMatchObject({
      kind: 'tampered',
      finding: { code: 'log-shorter', first: 9, last: size },
    })
    // And says that it cannot know without one.
    expect(verify(at('older.db'), '--vkey', vkey)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'no-known-checkpoint' }],
    })
  })

  it('the database of another station', () => {
    expect(verify(at('other.db'), ...known)).toMatchObject({ kind: 'tampered', finding: { code: 'other-log' } })
    expect(verify(at('other.db'), '--checkpoint', at('last.checkpoint'))).toMatchObject({
      kind: 'tampered',
      finding: { code: 'other-log' },
    })
    expect(verify(at('station.db'), '--vkey', vkey, '--checkpoint', at('other.checkpoint'))).toMatchObject({
      kind: 'tampered',
      finding: { code: 'other-log' },
    })
  })

  it('says what it does not know of a log that was cut, or written anew, when nothing from elsewhere is there', () => {
    const cut = tamperedDatabase((file) =>
      file.exec('delete from audit_entry where seq > 8; delete from audit_checkpoint where size > 8'),
    )
    expect(verify(cut, '--vkey', vkey)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'no-known-checkpoint' }],
    })
    const anew = tamperedDatabase((file) => {
      rebuild(file, forged)
      file.exec('delete from audit_checkpoint')
    })
    expect(verify(anew, '--vkey', vkey)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'no-known-checkpoint' }, { code: 'no-checkpoint' }],
    })
  })

  it('does not vouch for entries that nothing signs', () => {
    const { entries, leaves } = sampleLog([...bodies, { event: 'duty-changed', onDuty: true, operator: 'Mallory' }])
    const more = tamperedDatabase((file) => {
      rebuild(file, bodies)
      file.exec('delete from audit_checkpoint')
      file
        .prepare('insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event) values (?, ?, ?, ?, ?, ?)')
        .run(size + 1, entries.at(-1), leaves.at(-1), leaves.at(-2), '2026-01-02T03:04:05.678Z', 'x')
      for (const covered of [8, size])
        file
          .prepare('insert into audit_checkpoint (size, note, at) values (?, ?, ?)')
          .run(covered, sampleCheckpoint(leaves, covered), '2026-01-02T03:04:05.678Z')
    })
    writeFileSync(at('sample.checkpoint'), sampleCheckpoint(leaves, size))
    expect(verify(more, '--vkey', vkey, '--checkpoint', at('sample.checkpoint'))).toMatchObject({
      kind: 'cannot-tell',
      doubts: [
        { code: 'entries-without-checkpoint', sentence: expect.stringContaining(`Entries ${size + 1} to ${size + 1}`) },
      ],
    })
  })

  it('a page of the database that was overwritten', () => {
    copyFileSync(at('copy.db'), at('damaged.db'))
    const bytes = readFileSync(at('damaged.db'))
    const place = bytes.indexOf('boot/grubx64.efi')
    bytes.fill(0xff, place - (place % 4096), place - (place % 4096) + 64)
    writeFileSync(at('damaged.db'), bytes)
    expect(verify(at('damaged.db'), ...known)).toMatchObject({ kind: 'tampered' })
  })
})
