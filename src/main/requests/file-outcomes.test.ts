import { beforeAll, describe, expect, test } from 'vitest'
import { keys, type SeveralKeysDb, severalKeysDb } from '../../../db/testing/several-keys-db.ts'
import { requestId } from '../../shared/ids.ts'
import type { ReviewSheet } from '../../shared/review-sheet.ts'
import { fileOutcomes } from './file-outcomes.ts'
import { openIntents, tallyOf } from './incident.ts'

// A file for three keys in every state that its rows can be in together, and in those that they cannot: what is counted, what is shown and
// what stands open agree, and nothing looks better than it is.

const whole = ['none', 'begun', 'signed', 'failed', 'unknown', 'withdrawn'] as const
const part = ['none', 'begun', 'made', 'failed', 'unknown', 'withdrawn'] as const
const all = whole.flatMap((own) => part.flatMap((one) => part.map((two) => [own, one, two] as const)))
const id = (index: number) => requestId.parse(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`)
const failure = JSON.stringify({ kind: 'invalid', code: 'output-wrong', message: 'It is wrong.' })
const furtherKeys = keys.slice(1).map((fingerprint) => ({ key: { fingerprint } })) as unknown as NonNullable<
  ReviewSheet['furtherKeys']
> // all that is read of them

describe('of a file for several keys', () => {
  let db: SeveralKeysDb
  const intents = new Map<string, number>()
  beforeAll(() => {
    db = severalKeysDb()
    // States that the schema refuses are written past it.
    for (const { name } of db.all(
      `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE '%signature'`,
    ))
      db.exec(`DROP TRIGGER ${String(name)}`)
    for (const [index, [own, ...parts]] of all.entries()) {
      db.makeRequest(id(index), 100 + index)
      for (const [position, state] of [own, ...parts].entries()) {
        if (state === 'none') continue
        const seq = db.entry()
        intents.set(`${index} ${position}`, seq)
        const done = state === 'signed' || state === 'made'
        db.exec(`INSERT INTO ${position === 0 ? 'signature' : 'further_signature'}
          (request_id, ordinal, sheet_digest, purpose, fingerprint, input_sha256, state, intent_seq, outcome_seq, failure, at,
            ${position === 0 ? 'output, output_sha256' : 'packet, packet_sha256, position'})
          VALUES ('${id(index)}', 0, '${'d4'.repeat(32)}', 'openpgp-repository', '${keys[position]}', '${'a1'.repeat(32)}',
            '${state}', ${seq}, ${state === 'begun' ? 'NULL' : db.entry()}, ${state === 'failed' ? `'${failure}'` : 'NULL'},
            '2026-06-01T12:00:00.000Z', ${done ? `x'00', '${'0f'.repeat(32)}'` : 'NULL, NULL'}${position === 0 ? '' : `, ${position}`})`)
      }
    }
  })

  test.each(all.map((states, index) => [states.join(', '), index, states] as const))(
    '%s: count, picture and open intents agree',
    async (_name, index, [own, ...parts]) => {
      const states: readonly string[] = [own, ...parts]
      const tally = await tallyOf(db.db, id(index), 1)
      const open = await openIntents(db.db, id(index))
      const { outcome, further } = (await fileOutcomes(db.db, id(index), furtherKeys))(0)
      const bad = states.some((state) => state === 'failed' || state === 'unknown')
      // Once however many of its keys failed; signed by its first key alone.
      expect(tally).toEqual({ toSign: 1, signed: own === 'signed' ? 1 : 0, failed: bad ? 1 : 0 })
      expect(open).toEqual(
        states.flatMap((state, position) =>
          state === 'begun' ? [{ ordinal: 0, intentSeq: intents.get(`${index} ${position}`) }] : [],
        ),
      )
      const shown = { none: 'waiting', withdrawn: 'waiting' } as Readonly<Record<string, string>> // all else is as it is
      expect(further?.map((each) => [each.fingerprint, each.outcome.kind])).toEqual(
        parts.map((state, place) => [keys[place + 1], shown[state] ?? state]),
      )
      if (outcome.kind === 'signed') expect(own).toBe('signed')
      if (outcome.kind === 'failed' || outcome.kind === 'unknown') expect(tally.failed).toBe(1)
      if (outcome.kind === 'begun') expect(open).not.toEqual([])
      if (outcome.kind === 'waiting') expect([tally.signed, tally.failed, open.length]).toEqual([0, 0, 0])
      // Of what the schema lets be: a file that is neither whole nor without a bad part never looks as if it could still be.
      if (own === 'none' || parts.every((state) => state === 'made'))
        expect(outcome.kind === 'failed' || outcome.kind === 'unknown').toBe(bad)
    },
  )
})
