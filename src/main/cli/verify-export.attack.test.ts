import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkpointLineOf, endLineOf, entryLine } from '../audit/format/export-file.ts'
import { sampleLog } from '../audit/testing/sample-log.ts'
import { at, bodies, forged, known, prepareLogs, size, verify } from './testing/logs.ts'

prepareLogs()

const linesIn = (file: string) => readFileSync(at(file), 'utf8').split('\n').slice(0, -1)
const written = (lines: readonly string[]) => {
  writeFileSync(at('tampered.jsonl'), lines.map((line) => `${line}\n`).join(''))
  return at('tampered.jsonl')
}
const without = (lines: readonly string[], ...gone: readonly number[]) =>
  lines.filter((_, index) => !gone.includes(index))
const line = (text: string | Uint8Array) => String(Buffer.from(text)).trimEnd()

// In `whole.jsonl` line 0 is the header and line n is entry n.
/** The entry that says "Secure"; its line has the same number, behind the header. */
const spoken = bodies.findIndex((body) => JSON.stringify(body).includes('Secure')) + 1

const exportTampering: readonly (readonly [string, (lines: readonly string[]) => readonly string[], object])[] = [
  [
    'one byte of an entry',
    (lines) => lines.map((text, index) => (index === spoken ? text.replace('Secure', 'Sacure') : text)),
    { code: 'entry-unlinked', first: spoken, last: spoken + 1 },
  ],
  [
    'one byte of the last entry',
    (lines) => lines.map((text, index) => (index === size ? text.replace('Zoë', 'Zoe') : text)),
    { code: 'log-rewritten', last: size },
  ],
  ['the first entry, taken out', (lines) => without(lines, 1), { code: 'entry-missing', first: 1, last: 1 }],
  ['two in the middle, taken out', (lines) => without(lines, 9, 10), { code: 'entry-missing', first: 9, last: 10 }],
  ['the last entry, taken out', (lines) => without(lines, size), { code: 'checkpoint-out-of-place' }],
  [
    'everything behind entry 8, taken out',
    (lines) => lines.slice(0, 9),
    { code: 'export-incomplete', first: 9, last: size },
  ],
  ['the end, cut off', (lines) => lines.slice(0, -1), { code: 'export-incomplete' }],
  [
    'a shorter log with its own checkpoint',
    (lines) => [
      lines[0]?.replace(`"size":${size}`, '"size":8') ?? '',
      ...lines.slice(1, 9),
      line(checkpointLineOf(readFileSync(at('older.checkpoint'), 'utf8'))),
      line(endLineOf(8)),
    ],
    { code: 'log-shorter', first: 9, last: size },
  ],
  [
    'two entries, exchanged',
    (lines) => lines.map((text, index) => lines[index === 9 ? 10 : index === 10 ? 9 : index] ?? text),
    { code: 'entry-missing', first: 9 },
  ],
  [
    'an entry, repeated',
    (lines) => [...lines.slice(0, 6), ...lines.slice(5)],
    { code: 'entry-out-of-place', first: 6 },
  ],
  [
    'all, written anew',
    (lines) => [
      lines[0] ?? '',
      ...sampleLog(forged).entries.map((entry) => line(entryLine(entry))),
      ...lines.slice(size + 1),
    ],
    { code: 'log-rewritten', first: 1, last: size },
  ],
  [
    'the signature of the checkpoint',
    (lines) =>
      lines.map((text) => (text.startsWith('{"checkpoint"') ? text.replace(/.{6}=\\n"\}$/, 'AAAAAA=\\n"}') : text)),
    { code: 'checkpoint-signature-wrong' },
  ],
  [
    'the checkpoint, taken out',
    (lines) => lines.filter((text) => !text.startsWith('{"checkpoint"')),
    { code: 'export-malformed' },
  ],
  [
    'the header, of another log',
    (lines) => [linesIn('other.jsonl')[0] ?? '', ...lines.slice(1)],
    { code: 'other-log' },
  ],
  [
    'the size in the header',
    (lines) => [lines[0]?.replace(`"size":${size}`, '"size":8') ?? '', ...lines.slice(1)],
    { code: 'export-malformed' },
  ],
  ['the first byte', (lines) => [`[${lines[0]?.slice(1) ?? ''}`, ...lines.slice(1)], { code: 'export-malformed' }],
  [
    'a line that is none',
    (lines) => [...lines.slice(0, 5), '{}', ...lines.slice(5)],
    { code: 'export-malformed', first: 5 },
  ],
  ['an empty line', (lines) => [...lines.slice(0, 5), '', ...lines.slice(5)], { code: 'export-malformed', first: 5 }],
  ['something behind the end', (lines) => [...lines, lines[1] ?? ''], { code: 'export-malformed' }],
  ['another station’s export', () => linesIn('other.jsonl'), { code: 'other-log' }],
]

describe('in an export, given the last checkpoint, the verifier names', () => {
  it.each(exportTampering)('%s', (_name, change, finding) => {
    expect(verify(written(change(linesIn('whole.jsonl'))), ...known)).toMatchObject({ kind: 'tampered', finding })
  })

  it('entries that were said to be left out and are not the ones of the log', () => {
    const lines = linesIn('part.jsonl')
    const hash = /"hashes":\["([^"]{8})/.exec(lines.find((text) => text.startsWith('{"omitted"')) ?? '')?.[1] ?? 'none'
    const other = lines.map((text) => text.replace(hash, `AAAA${hash.slice(4)}`))
    expect(verify(written(other), ...known)).toMatchObject({ kind: 'tampered' })
    const all = lines.map((text) => text.replace(/"count":\d+/, `"count":${Number.MAX_SAFE_INTEGER}`))
    expect(verify(written(all), ...known)).toMatchObject({ kind: 'tampered', finding: { code: 'omission-malformed' } })
    const fewer = lines.map((text) => text.replace(/"count":(\d+)/, (_, count) => `"count":${Number(count) - 1}`))
    // Where fewer entries have as many hashes, the next entry is the one that does not fit.
    expect(verify(written(fewer), ...known)).toMatchObject({
      kind: 'tampered',
      finding: { code: expect.stringMatching(/^(?:omission-malformed|entry-missing)$/) },
    })
  })

  it('a line without an end', () => {
    writeFileSync(at('tampered.jsonl'), readFileSync(at('whole.jsonl')).subarray(0, -1))
    expect(verify(at('tampered.jsonl'), ...known)).toMatchObject({
      kind: 'tampered',
      finding: { code: 'export-malformed' },
    })
  })

  it('a change of any one byte, somewhere', () => {
    const bytes = readFileSync(at('whole.jsonl'))
    const headerEnd = bytes.indexOf('\n')
    for (let place = headerEnd + 1; place < bytes.length; place += 397) {
      const changedBytes = Buffer.from(bytes)
      changedBytes[place] = (changedBytes[place] ?? 0) ^ 1
      writeFileSync(at('tampered.jsonl'), changedBytes)
      expect({ place, kind: verify(at('tampered.jsonl'), ...known).kind }).toEqual({ place, kind: 'tampered' })
    }
  })
})
