import type { Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Database, readerOf } from '../../../../db/database.ts'
import type { OpenDeviceIncident } from '../../../shared/audit.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type AuditSeq, auditSeq, utcTime } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { decodeEntry } from '../format/encode.ts'
import type { AuditEntryBody } from '../format/entry.ts'
import type { DeviceFinding } from './finding.ts'

/** Writes entries of the audit log in the caller's transaction. */
export type Append = (trx: Transaction<Database>, entries: readonly AuditEntryBody[]) => Promise<readonly AuditSeq[]>

/** Numbers that one entry names; the finding says how many there are. */
const mostNamed = 1000

/** Opens an incident for each finding that is one and has none yet, whether open or closed: entry and state are one commit. */
export async function openDeviceIncidents(
  trx: Transaction<Database>,
  append: Append,
  findings: readonly DeviceFinding[],
): Promise<readonly AuditSeq[]> {
  const opened: AuditSeq[] = []
  for (const { incident, name, deviceSerial, code, places, auditSeqs, count, sentence } of findings) {
    if (!incident) continue
    const there = await trx.selectFrom('device_incident').select('name').where('name', '=', name).executeTakeFirst()
    if (there !== undefined) continue
    const [seq] = await append(trx, [
      {
        event: 'device-incident-opened',
        name,
        deviceSerial,
        code,
        places: places.slice(0, mostNamed),
        auditSeqs: auditSeqs.slice(0, mostNamed).map((each) => auditSeq.parse(each)),
        count,
        sentence,
      },
    ])
    if (seq === undefined) throw new Error('an entry was appended and has no number')
    await trx.insertInto('device_incident').values({ name, device_serial: deviceSerial, opened_seq: seq }).execute()
    opened.push(seq)
  }
  return opened
}

/** Those that no person has closed, oldest first, read from the bytes of their entries. */
export async function listOpenDeviceIncidents(
  db: ReadonlyKysely<Database>,
  limit: number,
): Promise<readonly OpenDeviceIncident[]> {
  const rows = await db
    .selectFrom('device_incident')
    .innerJoin('audit_entry', 'audit_entry.seq', 'device_incident.opened_seq')
    .select(['audit_entry.seq', 'audit_entry.at', 'audit_entry.entry', 'device_incident.device_serial'])
    .where('device_incident.closed_seq', 'is', null)
    .orderBy('device_incident.opened_seq')
    .limit(limit)
    .execute()
  return rows.map(({ seq, at, entry, device_serial }) => {
    const decoded = decodeEntry(entry)
    const body = decoded.ok && decoded.value.body.event === 'device-incident-opened' ? decoded.value.body : null
    return {
      seq: auditSeq.parse(seq),
      at: utcTime.parse(at),
      deviceSerial: body?.deviceSerial ?? device_serial,
      code: body?.code ?? 'unreadable',
      sentence: body?.sentence ?? `Entry ${seq} of the log cannot be read. Check the log.`,
    }
  })
}

export type CloseFailure = Failure<'no-such-incident'>

/** A person says what happened. Once for each. */
export async function closeDeviceIncident(
  trx: Transaction<Database>,
  append: Append,
  seq: AuditSeq,
  note: string,
  operator: string,
): Promise<Result<AuditSeq, CloseFailure>> {
  const row = await readerOf(trx)
    .selectFrom('device_incident')
    .select(['name', 'device_serial'])
    .where('opened_seq', '=', seq)
    .where('closed_seq', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return err(noSuchIncident)
  const [closed] = await append(trx, [
    {
      event: 'device-incident-closed',
      name: row.name,
      deviceSerial: row.device_serial,
      openedSeq: seq,
      note,
      operator,
    },
  ])
  if (closed === undefined) throw new Error('an entry was appended and has no number')
  await trx.updateTable('device_incident').set({ closed_seq: closed }).where('opened_seq', '=', seq).execute()
  return ok(closed)
}

const noSuchIncident: CloseFailure = {
  kind: 'refused',
  code: 'no-such-incident',
  message: 'There is no open incident of this number: it was closed, or the list is older. Nothing was recorded.',
}
