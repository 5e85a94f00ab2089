import { createHash } from 'node:crypto'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { CeremonyId } from '../../shared/ceremony.ts'
import { decodeEntry } from '../audit/format/encode.ts'
import { canonicalBytes } from '../canonical/canonical-json.ts'
import type { KeptFile, StoredCeremony, StoredRecord } from './ceremony.repository.ts'
import { plainScript, planOf } from './script.ts'
import type { Transcript } from './transcript.ts'

// Rows can be edited by whoever has the database's file; the log's entries are chained. What a ceremony rests on is held against the log
// before anything is done with it (docs/formats/ceremony.md §3).

/** Whether an open ceremony's records are the log's, each and all of them, and its plan is the one that was begun. */
export async function isAsLogged(
  db: ReadonlyKysely<Database>,
  { summary, plan, script, records }: StoredCeremony,
): Promise<boolean> {
  const begun = records[0]?.record
  if (begun?.event !== 'ceremony-begun') return false
  const again = planOf(script, plan.parameters)
  return (
    again.ok &&
    again.value.scriptSha256 === begun.scriptSha256 &&
    again.value.planSha256 === begun.planSha256 &&
    digestOf(canonicalBytes(plainScript(plan.script))) === begun.planSha256 &&
    (await areLogged(db, summary.id, records, null))
  )
}

/** Whether a transcript is the one that the log sealed, and script and files are those that it speaks of. */
export async function isSealedAsLogged(
  db: ReadonlyKysely<Database>,
  { summary, script, transcript: bytes }: StoredCeremony,
  transcript: Transcript,
  kept: readonly KeptFile[],
): Promise<boolean> {
  const { sealedSeq, id } = summary
  const { records, plan } = transcript
  if (bytes === null || sealedSeq === null || transcript.ceremonyId !== id) return false
  const told = records.flatMap(({ record }) =>
    record.event === 'ceremony-step-ended' ? record.result.files.map(({ name, sha256 }) => `${sha256} ${name}`) : [],
  )
  const there = kept.map(({ name, content }) => `${digestOf(content)} ${name}`)
  return (
    told.toSorted().join('\n') === there.toSorted().join('\n') &&
    digestOf(script) === plan.scriptSha256 &&
    (await areLogged(db, id, records, { seq: sealedSeq, sha256: digestOf(bytes) }))
  )
}

/** From the entry that began it on, the log has these records of the ceremony and no others, and `seal` where it is sealed. */
async function areLogged(
  db: ReadonlyKysely<Database>,
  id: CeremonyId,
  records: readonly StoredRecord[],
  seal: { readonly seq: number; readonly sha256: string } | null,
): Promise<boolean> {
  const [first] = records
  if (first?.record.event !== 'ceremony-begun') return false
  const rows = await db
    .selectFrom('audit_entry')
    .select(['seq', 'entry'])
    .where('seq', '>=', first.seq)
    .where('event', 'like', 'ceremony-%')
    .orderBy('seq')
    .execute()
  const logged = rows.flatMap(({ seq, entry }) => {
    const decoded = decodeEntry(entry)
    if (!decoded.ok) return [`${seq} unreadable`]
    const { body } = decoded.value
    if (!('ceremonyId' in body) || body.ceremonyId !== id) return []
    return [`${seq} ${body.event} ${body.event === 'ceremony-ended' ? body.transcriptSha256 : body.recordSha256}`]
  })
  const told = records.map(({ seq, record }) => `${seq} ${record.event} ${digestOf(canonicalBytes(record))}`)
  const sealed = seal === null ? [] : [`${seal.seq} ceremony-ended ${seal.sha256}`]
  return [...told, ...sealed].join('\n') === logged.join('\n')
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
