import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { inputFacts } from '../../shared/input-facts.ts'
import { controlLimits } from '../deb822/control-fault.ts'
import { fieldOf, parseControl, valueOf } from '../deb822/paragraph.ts'
import { memorySource } from '../inspector/process/byte-source.ts'
import { inspectAs } from '../inspector/process/inspect.ts'
import { parseAnswer } from '../inspector/protocol.ts'
import { maxLine } from '../openpgp/clear-text.ts'
import { checkUploadWhole } from '../policy/upload-whole.ts'
import { documentText } from '../signing/debsign/debsign-order.ts'
import { sampleUpload } from './testing/sample-upload.ts'

type Kind = 'changes' | 'dsc' | 'buildinfo'
const names = { changes: 'hello_1.0_amd64.changes', dsc: 'hello_1.0.dsc', buildinfo: 'hello_1.0_amd64.buildinfo' }
const sample = (kind: Kind) => sampleUpload().get(names[kind])?.toString() ?? ''
/** With this before its lists of files. */
const withField = (kind: Kind, field: string) =>
  sample(kind).replace('Checksums-Sha256:', `${field}\nChecksums-Sha256:`)

/** As the station has it: through the text that the inspector's process writes. */
function factsOf(text: string, kind: Kind) {
  const facts = inspectAs(memorySource(Buffer.from(text)), kind, null)
  const answer = parseAnswer(JSON.stringify({ kind: 'facts', facts }))
  if (answer?.kind !== 'facts' || answer.facts.kind !== 'upload-document') throw new Error('no facts of a document')
  return answer.facts
}
const othersOf = (text: string, kind: Kind) => factsOf(text, kind).others ?? []
const codesOf = (text: string, kind: Kind) => factsOf(text, kind).faults.map(({ code }) => code)

function checked(
  text: string,
  kind: Kind,
  change: { readonly disposition?: string; readonly old?: boolean; readonly debusineFields?: object | null } = {},
) {
  const { others, ...facts } = factsOf(text, kind)
  const file = {
    path: names[kind],
    size: Buffer.byteLength(text),
    sha256: facts.digests.sha256,
    facts: change.old === true ? facts : { ...facts, others },
    disposition: change.disposition ?? 'sign',
  }
  const upload = change.debusineFields === undefined ? {} : { upload: { debusineFields: change.debusineFields } }
  const artifacts = [{ files: [file], ...upload }] as unknown as Parameters<typeof checkUploadWhole>[0]['artifacts']
  return checkUploadWhole({ artifacts }).evidence.filter(({ subject }) => subject === names[kind])
}

describe('a document of an upload', () => {
  test.each([
    [
      'changes',
      [
        'Format',
        'Date',
        'Source',
        'Architecture',
        'Version',
        'Distribution',
        'Urgency',
        'Maintainer',
        'Changed-By',
        'Closes',
        'Changes',
        'Checksums-Sha1',
        'Checksums-Sha256',
        'Files',
      ],
    ],
    ['dsc', ['Format', 'Checksums-Sha1', 'Checksums-Sha256', 'Files']],
    ['buildinfo', ['Format', 'Checksums-Md5', 'Checksums-Sha1', 'Checksums-Sha256']],
  ] as const)('gives every field of a .%s: by a name of its own, or among the others', (kind, apart) => {
    const parsed = parseControl(Buffer.from(sample(kind)), controlLimits)
    if (!parsed.ok) throw new Error(parsed.error.message)
    const others = othersOf(sample(kind), kind)
    expect([...others.map(({ name }) => name), ...apart].sort()).toEqual(
      parsed.value.fields.map(({ name }) => name).sort(),
    )
    for (const { name, value, lines, bytes, sha256, cutBytes } of others) {
      const field = fieldOf(parsed.value, name)
      const whole = field === null ? '' : valueOf(field)
      expect({ value: value.join(''), lines, bytes, sha256, cutBytes }).toEqual({
        value: whole,
        lines: field?.lines.length,
        bytes: Buffer.byteLength(whole),
        sha256: createHash('sha256').update(whole).digest('hex'),
        cutBytes: 0,
      })
    }
  })

  test('shows what a builder or an archive could be told unseen', () => {
    for (const [kind, field] of [
      ['dsc', 'Build-Depends: evil (>= 1)'],
      ['buildinfo', 'Build-Path: /tmp/evil'],
      ['changes', 'Built-For-Profiles: nocheck'],
      ['changes', 'X-Unknown: yes'],
    ] as const) {
      const [name, value] = field.split(': ')
      expect(othersOf(withField(kind, field), kind)).toContainEqual(expect.objectContaining({ name, value: [value] }))
    }
  })

  test('is refused where a field stands in it twice, however it is spelled', () => {
    for (const kind of ['changes', 'dsc', 'buildinfo'] as const) {
      expect(codesOf(withField(kind, 'X-A: 1\nx-a: 2'), kind)).toEqual(['field-twice'])
      expect(codesOf(withField(kind, 'source: evil'), kind)).toEqual(['field-twice'])
    }
  })

  test.each([
    ['changes', 'Distribution:'],
    ['changes', 'Files:'],
    ['changes', 'Closes:'],
    ['dsc', 'Checksums-Sha1:'],
    ['dsc', 'Binary:'],
    ['buildinfo', 'Source:'],
    ['buildinfo', 'Checksums-Md5:'],
  ] as const)('is refused where a field of a .%s that is known is spelled otherwise: %s', (kind, name) => {
    const other = name.toUpperCase()
    expect(codesOf(sample(kind).replace(`\n${name}`, `\n${other}`), kind)).toContain('field-misspelled')
    expect(codesOf(sample(kind), kind)).toEqual([])
  })

  test('is refused where a name, or what a .changes closes, is too long to be shown', () => {
    expect(codesOf(withField('dsc', `X-${'n'.repeat(99)}: 1`), 'dsc')).toEqual(['field-too-long'])
    const closes = (bugs: string) => sample('changes').replace(/^Closes: .*$/m, `Closes: ${bugs}`)
    expect(codesOf(closes(Array.from({ length: 201 }, (_, bug) => bug + 1).join(' ')), 'changes')).toEqual([
      'field-too-long',
    ])
    expect(codesOf(closes('1'.repeat(41)), 'changes')).toEqual(['field-too-long'])
  })

  test('is refused where the format of a source is too long to be shown', () => {
    const format = (text: string) => codesOf(sample('dsc').replace(/^Format: .*$/m, `Format: ${text}`), 'dsc')
    expect(format(`3.0 (${'q'.repeat(5000)})`)).toEqual(['field-too-long'])
    expect(format(`${'3'.repeat(5000)}.0`)).toEqual(['field-too-long'])
    expect(format('3.0 (quilt)')).toEqual([])
  })

  test('is refused before anything is signed where it has a line that is not clear-signed', () => {
    for (const kind of ['changes', 'dsc', 'buildinfo'] as const) {
      expect(codesOf(withField(kind, `X-Long: ${'ö'.repeat(maxLine / 2 - 3)}`), kind)).toEqual(['line-too-long'])
      expect(codesOf(withField(kind, `X-Long:\n ${'x'.repeat(maxLine)}`), kind)).toEqual(['line-too-long'])
      expect(codesOf(withField(kind, `X-Long:\n ${'x'.repeat(maxLine - 1)}`), kind)).toEqual([])
    }
  })

  test('says of a field of debusine that it is replaced only where it is', () => {
    const found = (text: string, kind: Kind, debusineFields: object | null) =>
      checked(text, kind, { debusineFields }).map((each) => [each.outcome, each.found])
    const fields = { user: 'https://x/-/user/3/', workflow: null, workRequest: 'https://x/w/10/' }
    const replaced = 'brings along Debusine-User: replaced or taken out by what this server says'
    const stays = (name: string) => `brings along ${name}: it stays, and this station did not write it`
    const [user, other] = ['Debusine-User: evil', 'Debusine-Approved-By: evil']
    expect(found(withField('changes', user), 'changes', fields)).toEqual([['passed', replaced]])
    expect(found(withField('changes', user), 'changes', null)).toEqual([['attention', stays('Debusine-User')]])
    expect(found(withField('changes', `${user}\n${other}`), 'changes', fields)).toEqual([
      ['passed', replaced],
      ['attention', stays('Debusine-Approved-By')],
    ])
    // Only a .changes is written into.
    for (const kind of ['dsc', 'buildinfo'] as const)
      expect(found(withField(kind, user), kind, fields)).toEqual([['attention', stays('Debusine-User')]])
    // The text that is signed says the same.
    const signed = documentText(Buffer.from(withField('changes', `${user}\n${other}`)), 'changes', fields)
    if (!signed.ok) throw new Error(signed.error.message)
    const text = Buffer.from(signed.value).toString()
    expect([text.includes(user), text.includes(other)]).toEqual([false, true])
  })

  test('has to be looked at where another field holds what is not seen', () => {
    expect(checked(withField('dsc', 'X-Note: gnp\u202e.exe'), 'dsc')).toContainEqual(
      expect.objectContaining({ outcome: 'attention', found: expect.stringContaining('U+202E') }),
    )
    expect(checked(withField('buildinfo', 'X-Note:\n one\n t\u200bwo'), 'buildinfo')).toContainEqual(
      expect.objectContaining({ outcome: 'attention', found: expect.stringContaining('U+200B') }),
    )
    expect(checked(withField('dsc', 'X-Note:\n one\n\ttwo'), 'dsc')).toEqual([])
  })

  test('says how much of a huge field is not shown, and leaves every other field its beginning', () => {
    // Two units a character: a cut between them would be no text.
    const huge = '\u{1f511}'.repeat(55_000)
    const text = withField('dsc', `X-Huge:\n ${huge}\n ${huge}\n ${huge}\nX-Small: seen\nX-Next: ${'y'.repeat(9000)}`)
    const others = new Map(othersOf(text, 'dsc').map((field) => [field.name, field]))
    const held = others.get('X-Huge')
    expect(held?.value.every((piece) => piece.isWellFormed())).toBe(true)
    const shownBytes = Buffer.byteLength(held?.value.join('') ?? '')
    expect(held).toMatchObject({ lines: 4, bytes: 3 * 220_000 + 6, cutBytes: 660_006 - shownBytes })
    expect(shownBytes).toBeGreaterThan(500_000)
    expect(others.get('X-Small')).toMatchObject({ value: ['seen'], cutBytes: 0 })
    expect(others.get('X-Next')).toMatchObject({ bytes: 9000, cutBytes: 7000 })
    const found = checked(text, 'dsc').map((piece) => `${piece.outcome}: ${piece.found}`)
    expect(found).toEqual([
      `attention: ${660_006 - shownBytes} of the 660006 bytes of its field X-Huge are not shown: they are signed unseen`,
      'attention: 7000 of the 9000 bytes of its field X-Next are not shown: they are signed unseen',
    ])
    expect(checked(text, 'dsc', { disposition: 'keep' })).toEqual([])
  })

  test('of an older sheet, which did not show every field, is still read, and not signed', () => {
    const { others: _, ...older } = factsOf(sample('dsc'), 'dsc')
    expect(inputFacts.parse(older)).toEqual(older)
    expect(checked(sample('dsc'), 'dsc')).toEqual([])
    expect(checked(sample('dsc'), 'dsc', { old: true })).toMatchObject([{ outcome: 'refused' }])
    expect(checked(sample('dsc'), 'dsc', { old: true, disposition: 'keep' })).toEqual([])
  })
})
