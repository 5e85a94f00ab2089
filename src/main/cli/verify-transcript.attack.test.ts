import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { type CeremonyId, ceremonyId } from '../../shared/ceremony.ts'
import { auditSeq, sha256Hex, utcTime } from '../../shared/ids.ts'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { proveEntry } from '../audit/proofs.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleEntries } from '../audit/testing/sample-entries.ts'
import { sampleKey } from '../audit/testing/sample-log.ts'
import { canonicalBytes } from '../canonical/canonical-json.ts'
import type { Transcript } from '../ceremony/transcript.ts'
import { holdCeremony, otherPlan, sealAnything, withRecords } from './testing/ceremonies.ts'
import { at, verify, vkey } from './testing/logs.ts'
import { parseCommandLine } from './verify-arguments.ts'

const idOf = (number: number): CeremonyId =>
  ceremonyId.parse(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`)
const strangersKey = sampleKey('other', 'station.example.net/signing-log/1')

const edited = (transcript: Transcript, change: (text: string) => string): unknown =>
  JSON.parse(change(JSON.stringify(transcript)))
const exchanged = (transcript: Transcript, a: number, b: number) =>
  transcript.records.map((each, index, all) => all[index === a ? b : index === b ? a : index] ?? each)

/** What a station that lies could seal; each is a ceremony of its own in the log, and its digest is the one that the log has. */
const lies: readonly (readonly [string, (transcript: Transcript) => unknown, string])[] = [
  [
    'other words in a record',
    (transcript) => edited(transcript, (text) => text.replace('The bag was open.', 'There was no bag.')),
    'transcript-contradicts-log',
  ],
  [
    'a record left out at the end',
    (transcript) => withRecords(transcript, [...transcript.records.slice(0, 3), ...transcript.records.slice(4)]),
    'transcript-contradicts-log',
  ],
  [
    'a record left out, with the deviations counted as before',
    (transcript) => ({
      ...transcript,
      records: [...transcript.records.slice(0, 2), ...transcript.records.slice(3)].map(({ seq, record }, index) => ({
        seq,
        record: { ...record, n: index + 1 },
      })),
    }),
    'transcript-contradicts-log',
  ],
  [
    'two records exchanged',
    (transcript) => withRecords(transcript, exchanged(transcript, 1, 2)),
    'transcript-contradicts-log',
  ],
  [
    'two records exchanged with their entries',
    (transcript) => ({ ...transcript, records: exchanged(transcript, 1, 2) }),
    'transcript-malformed',
  ],
  [
    'the same entry twice',
    (transcript) => ({
      ...transcript,
      records: transcript.records.map(({ seq, record }, index) => ({ seq: index === 2 ? seq - 1 : seq, record })),
    }),
    'transcript-malformed',
  ],
  [
    'a record in an entry of something else',
    (transcript) => ({
      ...transcript,
      records: [{ seq: 1, record: transcript.records[0]?.record }, ...transcript.records.slice(1)],
    }),
    'transcript-contradicts-log',
  ],
  [
    'a record in an entry that the log does not have',
    (transcript) => ({
      ...transcript,
      records: transcript.records.map(({ seq, record }, index) => ({ seq: index === 3 ? 100_000 : seq, record })),
    }),
    'transcript-contradicts-log',
  ],
  ['another outcome', (transcript) => ({ ...transcript, outcome: 'abandoned' }), 'transcript-contradicts-log'],
  ['another plan than it was begun with', (transcript) => ({ ...transcript, plan: otherPlan }), 'transcript-malformed'],
  ['no records', (transcript) => ({ ...transcript, records: [] }), 'transcript-malformed'],
  [
    'the key of another log',
    (transcript) => ({ ...transcript, logKey: formatVerifierKey(strangersKey.key) }),
    'transcript-contradicts-log',
  ],
  ['another ceremony', (transcript) => ({ ...transcript, ceremonyId: idOf(2) }), 'transcript-not-sealed'],
]

const known = ['--vkey', vkey, '--checkpoint', at('kept.checkpoint')]
const honest = at('honest.json')
let seqs: readonly number[] = []
let lateSeq = 0
let size = 0
const write = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(at(name), bytes)
  return at(name)
}

beforeAll(async () => {
  const station = await checkpointedStation(at('ceremonies.db'))
  await station.write(...sampleEntries().slice(0, 5))
  const held = await holdCeremony(station, idOf(1))
  seqs = held.seqs
  write('honest.json', held.transcript)
  const first = await station.checkpoint()
  write('first.checkpoint', first)
  write('other.json', (await holdCeremony(station, idOf(2))).transcript)
  for (const [index, [, change]] of lies.entries())
    write(`lie-${index}.json`, (await holdCeremony(station, idOf(100 + index), change)).transcript)

  const twice = await holdCeremony(station, idOf(3))
  write('twice.json', twice.transcript)
  const second = Buffer.from(twice.transcript).toString().replace('Witness', 'Nobody?')
  write('twice-again.json', second)
  await sealAnything(station, idOf(3), Buffer.from(second))

  // A record that no transcript tells of.
  const late = await holdCeremony(station, idOf(4))
  write('late.json', late.transcript)
  const more = { ceremonyId: idOf(4), recordSha256: sha256Hex.parse('ab'.repeat(32)), operator: 'Zoë' }
  const [unlisted = 0] = await station.write({ event: 'ceremony-step-ended', ...more, step: 'two' })
  lateSeq = unlisted

  size = (await station.write(...sampleEntries().slice(0, 3))).at(-1) ?? 0
  write('kept.checkpoint', await station.checkpoint())
  for (const [name, seq] of [
    ['seal', seqs.at(-1)],
    ['record', seqs[0]],
  ] as const) {
    const proof = await proveEntry(readerOf(station.db), sampleKey().key, auditSeq.parse(seq))
    if (!proof.ok) throw new Error(proof.error.message)
    write(`${name}.tlog-proof`, proof.value)
  }
  await station.exportTo(at('ceremonies.jsonl'))
  // From the seal on: its records are left out.
  const sealLine = readFileSync(at('ceremonies.jsonl'), 'utf8').split('\n')[seqs.at(-1) ?? 0] ?? ''
  const since = utcTime.parse(/"at":"([^"]+)"/.exec(sealLine)?.[1])
  await station.exportTo(at('ceremonies-part.jsonl'), { since })
  await station.exportTo(at('ceremonies-end.jsonl'), { since: '2027-01-01T00:00:00.000Z' })
  await station.close()

  const stranger = await checkpointedStation(at('stranger.db'))
  await stranger.write(...sampleEntries())
  write('stranger.checkpoint', await stranger.checkpoint())
  await stranger.close()
})

describe('a transcript and the whole log', () => {
  it.each(['ceremonies.db', 'ceremonies.jsonl'])('of %s: it is sealed, and has all that the log has of it', (log) => {
    expect(verify(at(log), ...known, '--transcript', honest)).toMatchObject({
      kind: 'verified',
      transcript: {
        ceremonyId: idOf(1),
        sealedBy: seqs.at(-1),
        records: 4,
        compared: 4,
        complete: true,
      },
    })
  })

  it('names the first checkpoint that covers the seal, also one that was kept elsewhere', () => {
    const cover = (...options: readonly string[]) => {
      const outcome = verify(at('ceremonies.db'), ...known, ...options, '--transcript', honest)
      return outcome.kind === 'usage' ? outcome : outcome.transcript?.checkpoint
    }
    expect(cover()).toBe(seqs.at(-1))
    expect(cover('--checkpoint', at('first.checkpoint'))).toBe(seqs.at(-1))
  })

  it.each(lies.map(([name, , code], index) => [name, code, index] as const))(
    'is found out where the station sealed %s',
    (_name, code, index) => {
      for (const log of ['ceremonies.db', 'ceremonies.jsonl'])
        expect(verify(at(log), ...known, '--transcript', at(`lie-${index}.json`))).toMatchObject({
          kind: 'tampered',
          finding: { code },
          transcript: { complete: false },
        })
    },
  )

  it.each([
    ['one word is another', (text: string) => text.replace('The bag was open.', 'There was no bag.')],
    ['a name is another', (text: string) => text.replace('station.example.org"', 'station.example.com"')],
    ['a record was removed', (text: string) => edit(text, (all) => all.slice(0, 3))],
    ['two records were exchanged', (text: string) => edit(text, ([a, b, c, d]) => [a, c, b, d])],
    ['one byte was added', (text: string) => `${text}\n`],
    ['it was written in another form', (text: string) => JSON.stringify(JSON.parse(text), null, 2)],
    ['it says that it is of another ceremony', (text: string) => text.replaceAll(idOf(1), idOf(2))],
    ['it says that it is of a ceremony that never was', (text: string) => text.replaceAll(idOf(1), idOf(99))],
  ])('is found out after it was sealed: %s', (_name, change) => {
    const changed = write('changed.json', change(readFileSync(honest, 'utf8')))
    expect(verify(at('ceremonies.db'), ...known, '--transcript', changed)).toMatchObject({
      kind: 'tampered',
      finding: { code: expect.stringMatching(/^transcript-(?:malformed|not-sealed)$/) },
      transcript: { sealedBy: null, checkpoint: null, complete: false },
    })
  })

  it('does not take the transcript of one ceremony for that of another', () => {
    const outcome = verify(at('ceremonies.db'), ...known, '--transcript', at('other.json'))
    expect(outcome).toMatchObject({ kind: 'verified', transcript: { ceremonyId: idOf(2), complete: true } })
    expect(outcome).not.toMatchObject({ transcript: { sealedBy: seqs.at(-1) } })
  })

  it.each(['twice.json', 'twice-again.json'])(
    'relies on neither of two that were sealed for one ceremony: %s',
    (name) => {
      expect(verify(at('ceremonies.db'), ...known, '--transcript', at(name))).toMatchObject({
        kind: 'tampered',
        finding: { code: 'transcript-sealed-twice' },
      })
    },
  )

  it('names the entry of the ceremony that it leaves out', () => {
    expect(verify(at('ceremonies.db'), ...known, '--transcript', at('late.json'))).toMatchObject({
      kind: 'tampered',
      finding: { code: 'transcript-incomplete', first: lateSeq, last: lateSeq },
    })
  })

  it('is not sealed in a log that has nothing of it', () => {
    const options = ['--vkey', vkey, '--checkpoint', at('stranger.checkpoint')]
    expect(verify(at('stranger.db'), ...options)).toMatchObject({ kind: 'verified' })
    expect(verify(at('stranger.db'), ...options, '--transcript', honest)).toMatchObject({
      kind: 'tampered',
      finding: { code: 'transcript-not-sealed' },
    })
  })

  it('does not make up for a log that was tampered with', () => {
    const text = readFileSync(at('ceremonies.jsonl'), 'utf8').replace('"title":"New key"', '"title":"Old key"')
    const target = write('tampered.jsonl', text)
    expect(verify(target, ...known, '--transcript', honest)).toMatchObject({
      kind: 'tampered',
      finding: { code: 'entry-unlinked' },
    })
  })
})

describe('a transcript and a part of the log', () => {
  it.each(['ceremonies-part.jsonl', 'ceremonies-end.jsonl'])('cannot be told to be whole: %s', (part) => {
    expect(verify(at(part), ...known, '--transcript', honest)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'transcript-omitted' }],
      transcript: { complete: false },
    })
  })

  it('is found out all the same where its seal is there', () => {
    const changed = write('changed.json', readFileSync(honest, 'utf8').replace('Witness', 'Nobody?'))
    expect(verify(at('ceremonies-part.jsonl'), ...known, '--transcript', changed)).toMatchObject({
      kind: 'tampered',
      finding: { code: 'transcript-not-sealed' },
    })
  })

  it('is sealed, by the proof of that entry; more a proof cannot show', () => {
    expect(verify(at('seal.tlog-proof'), '--vkey', vkey, '--transcript', honest)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'transcript-omitted' }],
      transcript: { sealedBy: seqs.at(-1), checkpoint: size, complete: false },
    })
  })

  it.each([
    ['seal.tlog-proof', 'other.json', 'proof-of-another-file'],
    ['record.tlog-proof', 'honest.json', 'proof-of-another-file'],
    ['seal.tlog-proof', 'lie-9.json', 'transcript-malformed'],
  ])('has no use for %s beside %s', (proof, file, code) => {
    expect(verify(at(proof), '--vkey', vkey, '--transcript', at(file))).toMatchObject({
      kind: 'tampered',
      finding: { code },
    })
  })
})

describe('the program', () => {
  const program = new URL('verify-audit.ts', import.meta.url).pathname
  const run = (...args: readonly string[]) => {
    const done = spawnSync(process.execPath, ['--permission', '--allow-fs-read=*', program, ...args], {
      encoding: 'utf8',
    })
    return { status: done.status, out: done.stdout, err: done.stderr }
  }

  it('says which entry seals it and which checkpoint covers that, and ends with 0', () => {
    const seal = seqs.at(-1)
    expect(run(...known, '--transcript', honest, at('ceremonies.jsonl'))).toMatchObject({
      status: 0,
      err: '',
      out: expect.stringMatching(
        new RegExp(
          `^VERIFIED\\n[^]*is sealed by entry ${seal}, which the checkpoint of \\d+ entries covers\\n[^]*4 of 4 stand in the log, each in an entry of its own; it has none beside them\\n`,
        ),
      ),
    })
  })

  it('ends with 1 for one that was edited', () => {
    const changed = write('changed.json', readFileSync(honest, 'utf8').replace('Witness', 'Nobody?'))
    expect(run(...known, '--transcript', changed, at('ceremonies.db'))).toMatchObject({
      status: 1,
      out: expect.stringMatching(/^TAMPERED WITH\n.* is not what was sealed: entry 10 seals another/),
    })
  })

  it.each([
    ['no JSON', 'sealed, I swear'],
    ['a list', '[]'],
    ['another format', '{"format":"signing-station-ceremony/1"}'],
    ['a later version', '{"format":"signing-station-transcript/2"}'],
  ])('takes a file that is none for wrong usage: %s', (_name, text) => {
    expect(verify(at('ceremonies.db'), ...known, '--transcript', write('none.json', text))).toMatchObject({
      kind: 'usage',
    })
  })

  it('takes one at a time', () => {
    expect(parseCommandLine(['--transcript', 'a', '--transcript', 'b', 'log.db'])).toMatchObject({ kind: 'wrong' })
  })

  it('survives a transcript that nests without end', () => {
    const deep = `{"format":"signing-station-transcript/1","plan":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    expect(verify(at('ceremonies.db'), ...known, '--transcript', write('deep.json', deep)).kind).not.toBe('verified')
  })
})

type Listed = readonly unknown[]
function edit(text: string, change: (records: Listed) => Listed): string {
  const transcript = JSON.parse(text) as Transcript
  return Buffer.from(canonicalBytes({ ...transcript, records: change(transcript.records) })).toString()
}
