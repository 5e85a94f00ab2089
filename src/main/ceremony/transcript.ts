import { z } from 'zod'
import { ceremonyId, ceremonyOutcome, ceremonyPlan, ceremonyRecord } from '../../shared/ceremony.ts'
import { auditSeq, utcTime } from '../../shared/ids.ts'
import { formatVerifierKey, type VerifierKey } from '../audit/format/signed-note.ts'
import { canonicalBytes, parseCanonical } from '../canonical/canonical-json.ts'
import type { StoredCeremony } from './ceremony.repository.ts'

/** What is sealed (docs/formats/ceremony.md §3): all that happened, in canonical JSON. */
export const transcript = z.strictObject({
  format: z.literal('signing-station-transcript/1'),
  ceremonyId,
  stationName: z.string(),
  /** The key of the log that the records stand in; null: the log has none. */
  logKey: z.string().nullable(),
  plan: ceremonyPlan,
  outcome: ceremonyOutcome,
  begunAt: utcTime,
  endedAt: utcTime,
  /** `seq`: of the entry of the log that has the record's digest. */
  records: z.array(z.strictObject({ seq: auditSeq, record: ceremonyRecord })),
})
export type Transcript = z.infer<typeof transcript>

export function transcriptBytes({
  ceremony,
  outcome,
  endedAt,
  stationName,
  logKey,
}: {
  readonly ceremony: StoredCeremony
  readonly outcome: 'completed' | 'abandoned'
  readonly endedAt: string
  readonly stationName: string
  readonly logKey: VerifierKey | null
}): Uint8Array {
  const { summary, plan, records } = ceremony
  const whole = {
    format: 'signing-station-transcript/1',
    ceremonyId: summary.id,
    stationName,
    logKey: logKey === null ? null : formatVerifierKey(logKey),
    plan,
    outcome,
    begunAt: summary.begunAt,
    endedAt,
    records: records.map(({ seq, record }) => ({ seq, record })),
  }
  // Optional members of a script that are left out are no members.
  return canonicalBytes(JSON.parse(JSON.stringify(whole)))
}

/** Null: not a transcript, or not in its canonical form. */
export function readTranscript(bytes: Uint8Array): Transcript | null {
  const parsed = parseCanonical(bytes)
  const read = parsed === null ? null : transcript.safeParse(parsed.value)
  return read?.success === true ? read.data : null
}
