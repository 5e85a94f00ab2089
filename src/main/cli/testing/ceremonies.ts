import { createHash } from 'node:crypto'
import { type CeremonyId, type CeremonyRecord, ceremonyRecord } from '../../../shared/ceremony.ts'
import { auditSeq, sha256Hex } from '../../../shared/ids.ts'
import type { AuditEntryBody } from '../../audit/format/entry.ts'
import type { CheckpointedStation } from '../../audit/testing/checkpointed-station.ts'
import { canonicalBytes } from '../../canonical/canonical-json.ts'
import { planOf } from '../../ceremony/script.ts'
import { type Transcript, transcriptBytes } from '../../ceremony/transcript.ts'

const operator = 'Zoë'
const at = '2026-01-02T03:04:05.678Z'
const digestOf = (bytes: Uint8Array) => sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))

function planNamed(title: string) {
  const steps = ['one', 'two'].map((id) => ({ id, kind: 'note', title: `Step ${id}` }))
  const script = { format: 'signing-station-ceremony/1', title, purpose: 'To be checked.', steps }
  const plan = planOf(Buffer.from(JSON.stringify(script)), {})
  if (!plan.ok) throw new Error(plan.error.message)
  return plan.value
}
export const otherPlan = planNamed('Another one')

/**
 * Writes a ceremony of four records into the log of a station and seals its transcript, as the station does it. `sealed`: what a station that
 * lies would seal instead.
 */
export async function holdCeremony(
  station: CheckpointedStation,
  id: CeremonyId,
  sealed: (transcript: Transcript) => unknown = (transcript) => transcript,
): Promise<{ readonly transcript: Uint8Array; readonly seqs: readonly number[] }> {
  const plan = planNamed('New key')
  const { scriptSha256, planSha256 } = plan
  const about = { at, operator }
  const told = [
    { event: 'ceremony-begun', scriptSha256, planSha256, softwareVersion: '0.1.0' },
    { event: 'ceremony-step-begun', step: 'one', attempt: 1 },
    {
      event: 'ceremony-step-ended',
      step: 'one',
      result: { facts: [], files: [], people: null, device: null, key: null },
    },
    { event: 'ceremony-deviation', step: 'two', effect: 'skipped', by: 'Witness', reason: 'The bag was open.' },
  ]
  const records: { seq: number; record: CeremonyRecord }[] = []
  for (const each of told) {
    const record = ceremonyRecord.parse({ ...each, ...about, n: records.length + 1 })
    const entry = { ceremonyId: id, recordSha256: digestOf(canonicalBytes(record)), operator }
    const [seq = 0] = await station.write(entryOf(record, entry))
    records.push({ seq, record })
  }
  const summary = {
    id,
    title: plan.script.title,
    state: 'open',
    begunAt: at,
    endedAt: null,
    deviations: 1,
    transcriptSha256: null,
    sealedSeq: null,
  } as const
  const ceremony = { summary, plan, script: new Uint8Array(), records, transcript: null }
  const honest = transcriptBytes({
    ceremony,
    outcome: 'completed',
    endedAt: at,
    stationName: 'station.example.org',
    logKey: station.logKey.key,
  })
  const transcript = canonicalBytes(sealed(JSON.parse(Buffer.from(honest).toString())))
  const [last = 0] = await sealAnything(station, id, transcript)
  return { transcript, seqs: [...records.map(({ seq }) => seq), last] }
}

/** The entry that seals these bytes. */
export function sealAnything(station: CheckpointedStation, ceremonyId: CeremonyId, transcript: Uint8Array) {
  return station.write({
    event: 'ceremony-ended',
    ceremonyId,
    outcome: 'completed',
    deviations: 1,
    transcriptSha256: digestOf(transcript),
    operator,
  })
}

/** With its places counted anew, so that nothing but the log speaks against it. */
export function withRecords(transcript: Transcript, records: Transcript['records']): unknown {
  return {
    ...transcript,
    records: records.map(({ record }, index) => ({
      seq: auditSeq.parse(transcript.records[index]?.seq),
      record: { ...record, n: index + 1 },
    })),
  }
}

type About = {
  readonly ceremonyId: string
  readonly recordSha256: ReturnType<typeof digestOf>
  readonly operator: string
}

function entryOf(record: CeremonyRecord, about: About): AuditEntryBody {
  switch (record.event) {
    case 'ceremony-begun': {
      const { event, scriptSha256, planSha256 } = record
      return { event, ...about, title: 'New key', scriptSha256, planSha256 }
    }
    case 'ceremony-step-begun':
      return { event: record.event, ...about, step: record.step, kind: 'note', attempt: record.attempt }
    case 'ceremony-step-ended':
      return { event: record.event, ...about, step: record.step }
    case 'ceremony-deviation': {
      const { event, step, effect, by, reason } = record
      return { event, ...about, step, effect, by, reason }
    }
    case 'ceremony-act-intended':
    case 'ceremony-step-failed':
      throw new Error(`no ceremony here has a ${record.event}`)
  }
}
