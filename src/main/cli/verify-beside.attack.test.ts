import { execFileSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkpointLineOf, endLineOf, entryLine, headerLine } from '../audit/format/export-file.ts'
import { inclusionRanges } from '../audit/format/merkle.ts'
import { formatProof } from '../audit/format/proof-file.ts'
import { formatVerifierKey, noteKeyType } from '../audit/format/signed-note.ts'
import { cosign, rootOf, sampleCheckpoint, sampleKey, sampleLog } from '../audit/testing/sample-log.ts'
import { at, bodies, forged, prepareLogs, size, verify, vkey } from './testing/logs.ts'
import { parseCommandLine } from './verify-arguments.ts'
import { shown, shownAsJson } from './verify-output.ts'

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

  it('that states a time which no calendar has is shown with it', () => {
    const target = exportWith('late.jsonl', cosign(sampleCheckpoint(leaves), witness('one'), 1_700_000_000_000_000))
    expect(shown(verify(target, ...known(), ...wanted('one')))).toMatch(/^VERIFIED[^]+ at second 1700000000000000,/)
  })
})

describe('a proof', () => {
  const write = (name: string, text: string) => {
    writeFileSync(at(name), text)
    return at(name)
  }
  const proof = () => {
    const hashes = inclusionRanges(size - 1, size).map(({ start, end }) => rootOf(leaves.slice(start, end)))
    const entry = entries[size - 1]
    if (entry === undefined) throw new Error('no entry')
    return write(
      'last.tlog-proof',
      formatProof({ entry, index: size - 1, hashes, checkpoint: sampleCheckpoint(leaves) }),
    )
  }

  it('of another history is one whatever else cannot be told', () => {
    const fork = write('fork.checkpoint', sampleCheckpoint(sampleLog(forged).leaves))
    const options = ['--checkpoint', at('older.checkpoint'), '--checkpoint', fork]
    expect(verify(proof(), '--vkey', vkey, ...options)).toMatchObject({
      kind: 'tampered',
      finding: { code: 'log-rewritten' },
    })
  })

  it('for another file is one whatever else cannot be told', () => {
    const options = ['--checkpoint', at('older.checkpoint'), '--file', at('whole.jsonl')]
    for (const others of [options, options.slice(2)])
      expect(verify(proof(), '--vkey', vkey, ...others)).toMatchObject({
        kind: 'tampered',
        finding: { code: 'proof-of-another-file' },
      })
  })
})

describe('the command line', () => {
  it.each(['vkey', 'file'])('is not understood with --%s twice, of which one would be forgotten', (name) => {
    const value = name === 'vkey' ? vkey : at('whole.jsonl')
    expect(parseCommandLine([`--${name}`, value, `--${name}`, value, at('whole.jsonl')]).kind).toBe('wrong')
  })

  it('is wrong with a signed file that nobody could read as a whole', () => {
    writeFileSync(at('huge.efi'), 'MZ')
    truncateSync(at('huge.efi'), 3 * 2 ** 30)
    expect(verify(at('whole.jsonl'), '--vkey', vkey, '--file', at('huge.efi')).kind).toBe('usage')
  })

  it('gets JSON that is the same for a program and harmless on a terminal', () => {
    const evil = 'station\u009b2J\u202e.example.org/\u{e0001}x'
    const outcome = { kind: 'usage', sentence: evil } as const
    expect(shownAsJson(outcome)).not.toMatch(/[^\n\x20-\x7e]/)
    expect(JSON.parse(shownAsJson(outcome))).toEqual({ result: 'usage', sentence: evil })
  })

  it('is wrong with what can be read only once or never ends, and nothing hangs', () => {
    execFileSync('mkfifo', [at('pipe')])
    expect(verify(at('pipe'), '--vkey', vkey).kind).toBe('usage')
    expect(verify(at('whole.jsonl'), '--vkey', vkey, '--checkpoint', '/dev/zero').kind).toBe('usage')
  })
})
