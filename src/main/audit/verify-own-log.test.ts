import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { openCheckpoint } from './format/checkpoint.ts'
import { noteKeyType } from './format/signed-note.ts'
import type { Expectations } from './format/verify.ts'
import { checkpointedStation } from './testing/checkpointed-station.ts'
import { sampleIntent } from './testing/sample-entries.ts'
import { cosign, sampleKey } from './testing/sample-log.ts'
import { storeCosignature, verifyOwnLog } from './verify-own-log.ts'

const { key } = sampleKey()
const witness = sampleKey('witness', 'witness.example.com/w1', noteKeyType.cosignature)

async function station(entries: number) {
  const made = await checkpointedStation(join(tempFolder(), 'station.db'))
  await made.write(...Array.from({ length: entries }, (_, index) => sampleIntent(index)))
  return made
}

function expecting(note: string, more: Partial<Expectations> = {}): Expectations {
  const opened = openCheckpoint(note, key)
  if (!opened.ok) throw new Error(opened.error.code)
  return {
    key,
    keyFromOutside: true,
    known: [opened.value],
    consistency: [],
    witnesses: [],
    readEntries: true,
    ...more,
  }
}

describe('the verification of the station’s own log', () => {
  it('says the same as the auditor’s, tells how far it came, and can be stopped', async () => {
    const made = await station(450)
    const note = await made.checkpoint()
    const told: number[] = []
    const report = await verifyOwnLog(readerOf(made.db), expecting(note), (entries) => {
      told.push(entries)
      return false
    })
    expect(report).toMatchObject({ kind: 'verified', facts: { size: 450, known: [450] } })
    expect(report?.facts.openIntents).toHaveLength(450)
    expect(told).toEqual([200, 400])
    expect(await verifyOwnLog(readerOf(made.db), expecting(note), () => true)).toBeNull()
    await made.close()
  })

  it('names entries that no checkpoint covers yet', async () => {
    const made = await station(3)
    const note = await made.checkpoint()
    await made.write(sampleIntent())
    expect(await verifyOwnLog(readerOf(made.db), expecting(note), () => false)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'entries-without-checkpoint' }],
    })
    await made.close()
  })

  it('shows a cosignature that was stored, and stores none that does not verify', async () => {
    const made = await station(3)
    const note = await made.checkpoint()
    const store = (line: string) =>
      made.db.transaction().execute((trx) => storeCosignature(trx, 3, line, witness.key, new Date(0)))
    expect(await store(cosign(note.replace('\n3\n', '\n2\n'), witness, 1_767_323_045))).toMatchObject({ ok: false })
    expect(await store(cosign(note, witness, 1_767_323_045))).toMatchObject({ ok: true })
    const report = await verifyOwnLog(readerOf(made.db), expecting(note, { witnesses: [witness.key] }), () => false)
    expect(report).toMatchObject({
      kind: 'verified',
      facts: { cosigned: [{ witness: witness.key.name, size: 3, time: 1_767_323_045 }] },
    })
    // It is part of what is handed out from now on, to the file beside the database too.
    expect(await made.checkpoint()).toContain('— witness.example.com/w1 ')
    await made.close()
  })
})
