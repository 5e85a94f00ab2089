import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkpointLineOf, endLineOf, entryLine, headerLine } from '../audit/format/export-file.ts'
import { formatVerifierKey, noteKeyType } from '../audit/format/signed-note.ts'
import { cosign, sampleCheckpoint, sampleKey, sampleLog } from '../audit/testing/sample-log.ts'
import { at, bodies, prepareLogs, size, verify, vkey } from './testing/logs.ts'

// What is handed in beside the log is right, and shows less than it seems to.

prepareLogs()

const { entries, leaves } = sampleLog(bodies)
const witness = (word: string) => sampleKey(word, 'witness.example.com/w1', noteKeyType.cosignature)

/** The log, whose last checkpoint has these lines more. */
function exportWith(name: string, lines: string): string {
  const head = {
    origin: sampleKey().key.name,
    vkey,
    size,
    selection: null,
    madeAt: '2026-03-04T05:06:07.000Z',
    softwareVersion: '0.1.0',
  }
  const all = [
    headerLine({ signingStationExport: 1, ...head }),
    ...entries.map(entryLine),
    checkpointLineOf(`${sampleCheckpoint(leaves)}${lines}`),
    endLineOf(size),
  ]
  writeFileSync(at(name), Buffer.concat(all.map((line) => Buffer.from(line))))
  return at(name)
}

it('a checkpoint of no entries does not exclude that entries are missing', () => {
  writeFileSync(at('zero.checkpoint'), sampleCheckpoint([]))
  expect(verify(at('whole.jsonl'), '--vkey', vkey, '--checkpoint', at('zero.checkpoint'))).toMatchObject({
    kind: 'cannot-tell',
    doubts: [{ code: 'no-known-checkpoint' }],
  })
})

describe('a witness', () => {
  const known = () => ['--vkey', vkey, '--checkpoint', at('last.checkpoint')]
  const wanted = (...words: string[]) => words.flatMap((word) => ['--witness', formatVerifierKey(witness(word).key)])

  it('is not there because another key of the same name cosigned', () => {
    const target = exportWith('one.jsonl', cosign(sampleCheckpoint(leaves), witness('one'), 1_700_000_000))
    expect(verify(target, ...known(), ...wanted('one')).kind).toBe('verified')
    expect(verify(target, ...known(), ...wanted('one', 'two'))).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'not-cosigned' }],
    })
  })
})
