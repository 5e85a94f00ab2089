import { memoryDatabase } from './memory-db.ts'

// A request for an index that several keys sign, in memory, and the statements by which its signatures come and go.

const at = '2026-06-01T12:00:00.000Z'
export const request = '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10'
/** Names one further key; the other names two. */
export const sheet = 'd4'.repeat(32)
export const otherSheet = 'e5'.repeat(32)
export const input = 'a1'.repeat(32)
export const otherInput = 'b2'.repeat(32)
export const packetSha = '0f'.repeat(32)
export const packet = `, packet = x'c0', packet_sha256 = '${packetSha}'`
/** In the order of the sheet; the first completes. */
export const keys = ['C1', 'C2', 'C3'].map((each) => each.repeat(20))

export interface Use {
  readonly of?: string
  readonly ordinal?: number
  readonly digest?: string
  /** Its place among the sheet's keys, from 0. */
  readonly key?: number
  readonly fingerprint?: string | undefined
  readonly position?: number | string
  readonly input?: string
  readonly state?: string
  readonly how?: string
  readonly more?: string
}

export type SeveralKeysDb = ReturnType<typeof severalKeysDb>

export function severalKeysDb() {
  const { db, file } = memoryDatabase()
  const exec = (sql: string): void => {
    file.exec(sql)
  }
  /** The number of a new entry of the log. */
  const entry = (): number =>
    Number(
      file
        .prepare<[], number>(
          `INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event)
           SELECT coalesce(max(seq), 0) + 1, x'7b7d', randomblob(32),
             coalesce((SELECT leaf_hash FROM audit_entry ORDER BY seq DESC LIMIT 1), zeroblob(32)), '${at}', 'test'
           FROM audit_entry RETURNING seq`,
        )
        .pluck()
        .get(),
    )
  const all = (sql: string) => file.prepare<[], Record<string, unknown>>(sql).all()
  const parts = () => all('SELECT * FROM further_signature ORDER BY request_id, ordinal, position')
  const made = {
    db,
    exec,
    all,
    setRecursiveTriggers: (to: string) => void file.pragma(`recursive_triggers = ${to}`),
    inTransaction: () => file.inTransaction,
    entry,
    makeRequest: (id: string, work: number, task = 'signrepositoryindex') =>
      exec(`INSERT INTO request (id, server, work_request_id, workspace, fetched_at, task_name, raw, created_by,
          requested_at, retry_count, title, stage, outcome, state, file_count, signed_count, received_at, updated_at)
        VALUES ('${id}', 'https://s/api', ${work}, 'w', '${at}', '${task}', '{}', 1, '${at}', 0, 't', 'review', NULL,
          '{"kind":"review"}', 2, 0, '${at}', '${at}')`),
    makeSheet: (digest: string, further: readonly (string | undefined)[], of = request) => {
      const named = further.map((fingerprint) => ({ key: { fingerprint } }))
      file
        .prepare(`INSERT INTO review_sheet VALUES ('${of}', '${digest}', ?, '${at}', '${at}')`)
        .run(Buffer.from(JSON.stringify(named.length === 0 ? {} : { furtherKeys: named })))
    },
    decide: (kind = 'approved', digest = sheet, of = request) =>
      exec(`INSERT INTO decision VALUES ('${of}', '${kind}', '${digest}', 'rm', 'because', '${at}')`),
    /** An intent of a further key. */
    beginPart: (change: Use = {}) => {
      const { of = request, ordinal = 0, digest = sheet, key = 1, state = 'begun', how = 'INSERT', more = '' } = change
      const { fingerprint = keys[key], position = key } = change
      const content = state === 'made' ? `x'c0', '${packetSha}'` : 'NULL, NULL'
      const outcome = state === 'begun' ? 'NULL' : entry() + 1
      exec(`${how} INTO further_signature (request_id, ordinal, position, sheet_digest, purpose, fingerprint, input_sha256,
          state, intent_seq, at, outcome_seq, packet, packet_sha256)
        VALUES ('${of}', ${ordinal}, ${position}, '${digest}', 'openpgp-repository', '${fingerprint}',
          '${change.input ?? input}', '${state}', ${entry()}, '${at}', ${outcome}, ${content}) ${more}`)
    },
    settlePart: (state: string, more = state === 'made' ? packet : '', key = 1) =>
      exec(`UPDATE further_signature SET state = '${state}', outcome_seq = ${entry()} ${more} WHERE position = ${key}`),
    beginPartAgain: (key = 1, intent = entry()) =>
      exec(
        `UPDATE further_signature SET state = 'begun', intent_seq = ${intent}, outcome_seq = NULL, failure = NULL WHERE position = ${key}`,
      ),
    /** An intent of the first key. */
    begin: (change: Use = {}) => {
      const { of = request, ordinal = 0, digest = sheet, fingerprint = keys[0], how = 'INSERT' } = change
      exec(`${how} INTO signature (request_id, ordinal, sheet_digest, purpose, fingerprint, input_sha256, state, intent_seq, at)
        VALUES ('${of}', ${ordinal}, '${digest}', 'openpgp-repository', '${fingerprint}', '${change.input ?? input}',
          'begun', ${entry()}, '${at}')`)
    },
    settle: (state: string) => {
      const output = state === 'signed' ? `, output = x'00', output_sha256 = '${packetSha}'` : ''
      exec(`UPDATE signature SET state = '${state}', outcome_seq = ${entry()} ${output}`)
    },
    beginAgain: () =>
      exec(`UPDATE signature SET state = 'begun', intent_seq = ${entry()}, outcome_seq = NULL, failure = NULL`),
    parts,
    rows: () => [parts(), all('SELECT * FROM signature ORDER BY request_id, ordinal')],
    /** As if the first key were asked out of its turn. */
    withoutFurther: (act: () => void) => {
      const name = 'signature_after_further'
      const sql = file.prepare<[string], string>('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name)
      exec(`DROP TRIGGER ${name}`)
      act()
      exec(String(sql))
    },
  }
  entry()
  made.makeRequest(request, 42)
  made.makeSheet(sheet, [keys[1]])
  made.makeSheet(otherSheet, [keys[1], keys[2]])
  return made
}
