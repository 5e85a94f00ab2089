/** Hexadecimal digits of a digest that are kept for looking it up; what is found is compared with the whole digest. */
export const digestPrefixLength = 16

/** What an entry is found by, and the number that `audit_index.kind` has for it. */
export const indexKind = {
  event: 1,
  purpose: 2,
  operator: 3,
  fingerprint: 4,
  request: 5,
  workRequest: 6,
  digest: 7,
  /** The time of an entry that is earlier than that of the entry before: between two of them time only grows. */
  clockBack: 8,
} as const

/** Of one kind, what `audit_index` holds of the entries after a number, up to another: the two parameters. */
function linesOf(kind: number, value: string, from = 'audit_entry AS e'): string {
  return `SELECT ${kind} AS kind, ${value} AS value, e.seq AS seq FROM ${from} WHERE e.seq > ? AND e.seq <= ? AND ${value} IS NOT NULL`
}

const digestPrefix = `substr(CASE which.n WHEN 1 THEN e.input_sha256 WHEN 2 THEN e.output_sha256 WHEN 3 THEN e.signed_digest ELSE e.sheet_digest END, 1, ${digestPrefixLength})`

/** What `audit_index` holds of some entries, a statement for each kind, each with two parameters: the number after which, and up to which. */
export const indexLines: readonly string[] = [
  linesOf(indexKind.event, 'e.event'),
  linesOf(indexKind.purpose, 'e.purpose'),
  linesOf(indexKind.operator, 'e.operator'),
  linesOf(indexKind.fingerprint, 'e.fingerprint'),
  linesOf(indexKind.request, 'e.request_id'),
  linesOf(indexKind.workRequest, 'CAST(e.work_request_id AS TEXT)'),
  // Two digests of one entry may be the same.
  linesOf(
    indexKind.digest,
    digestPrefix,
    'audit_entry AS e CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS which',
  ).replace('SELECT', 'SELECT DISTINCT'),
  `${linesOf(indexKind.clockBack, 'e.at')} AND e.at < (SELECT p.at FROM audit_entry AS p WHERE p.seq < e.seq ORDER BY p.seq DESC LIMIT 1)`,
]

/** Statements that fill `audit_index`, each with two parameters: the entry after which, and up to which. */
export const fillIndex: readonly string[] = indexLines.map(
  // Sorted, so that each page of the table is written once.
  (select) => `INSERT OR IGNORE INTO audit_index (kind, value, seq) ${select} ORDER BY 2, 3`,
)
