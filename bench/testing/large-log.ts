import { createHash } from 'node:crypto'
import BetterSqlite3 from 'better-sqlite3'
import { fillIndex } from '../../db/audit-index.ts'
import { searchColumnNames, searchColumns } from '../../src/main/audit/columns.ts'
import { longestTail } from '../../src/main/audit/entry-index.ts'
import { encodeEntry, leafHash, noLeafHash } from '../../src/main/audit/format/encode.ts'
import type { AuditEntryBody } from '../../src/main/audit/format/entry.ts'
import { sampleIntent, sampleSigned } from '../../src/main/audit/testing/sample-entries.ts'
import { auditSeq, fingerprint, requestId, sha256Hex, workRequestId } from '../../src/shared/ids.ts'

const sha256 = (text: string) => sha256Hex.parse(createHash('sha256').update(text).digest('hex'))

/** Entries of one request: what every request has, and four files. */
const requestEntries = 12

/** The id of the n-th request of `appendRequests`, from 0. */
export function requestOf(n: number) {
  const id = sha256(`request ${n}`)
  return requestId.parse(
    `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-8${id.slice(17, 20)}-${id.slice(20, 32)}`,
  )
}

export const digestOf = (n: number, file: number) => sha256(`output ${n} ${file}`)
export const keyOf = (n: number) => fingerprint.parse(sha256(`key ${n % 7}`).toUpperCase())
export const operatorOf = (n: number) => `Release Manager ${n % 5}`

function entriesOf(n: number, firstSeq: number): readonly AuditEntryBody[] {
  const common = {
    requestId: requestOf(n),
    workRequestId: workRequestId.parse(n + 1),
    fingerprint: keyOf(n),
    operator: operatorOf(n),
    sheetDigest: sha256(`sheet ${n}`),
  }
  const files = [0, 1, 2, 3].map((file) => ({
    ...common,
    ordinal: file,
    inputSha256: sha256(`input ${n} ${file}`),
    digest: sha256(`signed ${n} ${file}`),
  }))
  const { sheetDigest, operator } = common
  return [
    {
      event: 'request-received',
      requestId: common.requestId,
      workRequestId: common.workRequestId,
      scope: 'debian',
      workspace: 'System',
      server: 'https://debusine.example.org/api',
      purpose: 'uefi',
      fingerprint: common.fingerprint,
      createdBy: 7,
    },
    { event: 'sheet-shown', requestId: common.requestId, sheetDigest, operator },
    { event: 'approved', requestId: common.requestId, sheetDigest, operator, acknowledged: [] },
    ...files.map((file): AuditEntryBody => ({ ...sampleIntent(), ...file })),
    ...files.map(
      (file, index): AuditEntryBody => ({
        ...sampleSigned(firstSeq + 3 + index),
        ...file,
        outputSha256: digestOf(n, index),
      }),
    ),
    { event: 'returned', requestId: common.requestId, result: 'success', outputArtifacts: [], errors: [] },
  ]
}

/**
 * Appends about `count` entries to the log of a station that is closed, straight into the tables: the rows are what the station
 * writes, the speed is not. Gives the number of requests.
 */
export function appendRequests(path: string, count: number): number {
  const file = new BetterSqlite3(path)
  file.pragma('synchronous = OFF')
  file.pragma('cache_size = -262144')
  const objects = file
    .prepare<[], { name: string; type: string; sql: string }>(
      `SELECT name, type, sql FROM sqlite_schema WHERE tbl_name LIKE 'audit_%' AND type IN ('trigger', 'index') AND sql IS NOT NULL`,
    )
    .all()
  for (const { name, type } of objects) file.exec(`DROP ${type} ${name}`)
  const insert = file.prepare(
    `INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, ${searchColumnNames.join(', ')}) VALUES (?, ?, ?, ?, ?${', ?'.repeat(searchColumnNames.length)})`,
  )
  const head = file
    .prepare<[], { seq: number; leaf_hash: Buffer; at: string }>(
      'SELECT seq, leaf_hash, at FROM audit_entry ORDER BY seq DESC LIMIT 1',
    )
    .get()
  let seq = head?.seq ?? 0
  let prev: Uint8Array = head?.leaf_hash ?? noLeafHash
  const start = Date.parse(head?.at ?? '2026-01-02T03:04:05.678Z')
  const requests = Math.ceil(count / requestEntries)
  file.exec('BEGIN')
  for (let n = 0; n < requests; n += 1) {
    const at = new Date(start + n).toISOString()
    for (const body of entriesOf(n, seq + 1)) {
      seq += 1
      const entry = encodeEntry(
        { seq: auditSeq.parse(seq), at, prev: sha256Hex.parse(Buffer.from(prev).toString('hex')) },
        body,
      )
      const leaf = leafHash(entry)
      const columns = searchColumns(body)
      insert.run(seq, entry, leaf, prev, at, ...searchColumnNames.map((name) => columns[name]))
      prev = leaf
    }
  }
  // As in the middle of a long run: as much as may be is behind the index, and is read by every search.
  const known = file.prepare<[], { seq: number }>('SELECT seq FROM audit_index_reach').get()?.seq ?? 0
  const reach = Math.max(known, seq - longestTail)
  for (const fill of fillIndex) file.prepare(fill).run(known, reach)
  file.exec(`UPDATE audit_index_reach SET seq = ${reach}; COMMIT`)
  for (const { sql } of objects) file.exec(sql)
  file.close()
  return requests
}
