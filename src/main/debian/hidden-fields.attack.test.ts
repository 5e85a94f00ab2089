import { describe, expect, test } from 'vitest'
import { controlLimits } from '../deb822/control-fault.ts'
import { lineOf, parseControl } from '../deb822/paragraph.ts'
import { memorySource } from '../inspector/process/byte-source.ts'
import { inspectText } from '../inspector/process/text-facts.ts'
import { checkIndexSound } from '../policy/index-sound.ts'
import { checkUploadWhole } from '../policy/upload-whole.ts'
import { readRelease } from './release.ts'
import { changeSince } from './release-change.ts'
import { sampleRelease } from './testing/sample-release.ts'
import { uploadDocumentFacts } from './upload-document.ts'

const readText = (text: string) => readRelease(Buffer.from(text))
const codes = (text: string) => readText(text).facts.faults.map(({ code }) => code)
const withField = (field: string) => sampleRelease().replace('Date:', `${field}\nDate:`)

describe('a Release hides nothing that a signature vouches for', () => {
  test('says by which key apt shall believe the next one', () => {
    const { facts } = readText(withField('Signed-By: 0123456789ABCDEF0123456789ABCDEF01234567'))
    expect(facts.faults).toEqual([])
    expect(facts.others).toEqual([{ name: 'Signed-By', value: '0123456789ABCDEF0123456789ABCDEF01234567' }])
  })

  test('says that another key shall be believed than last time, and that it does not run out any more', () => {
    const before = readText(withField('Signed-By: 0123456789ABCDEF0123456789ABCDEF01234567'))
    const after = withField('signed-by: FEDCBA9876543210FEDCBA9876543210FEDCBA98').replace(/Valid-Until: .*\n/, '')
    expect(changeSince(before, readText(after)).fields).toEqual([
      { name: 'Valid-Until', before: 'given', after: null },
      {
        name: 'signed-by',
        before: '0123456789ABCDEF0123456789ABCDEF01234567',
        after: 'FEDCBA9876543210FEDCBA9876543210FEDCBA98',
      },
    ])
    expect(changeSince(before, readText(sampleRelease())).fields).toEqual([
      { name: 'Signed-By', before: '0123456789ABCDEF0123456789ABCDEF01234567', after: null },
    ])
  })

  test('is refused where a field that is shown is folded: apt reads on, where the sheet would show nothing', () => {
    expect(codes(sampleRelease().replace('Suite: testing', 'Suite:\n stable'))).toEqual(['field-folded'])
    expect(codes(withField('NotAutomatic:\n yes'))).toEqual(['field-folded'])
    expect(codes(withField('Description:\n Official archive'))).toEqual(['field-folded'])
  })

  test('is refused where a switch has a word that apt and the sheet would take differently', () => {
    expect(codes(withField('NotAutomatic: true'))).toEqual(['flag-malformed'])
    expect(codes(withField('NotAutomatic: no'))).toEqual([])
  })

  test('is refused where it has more than can be shown', () => {
    expect(codes(withField(`X-Note: ${'x'.repeat(1001)}`))).toEqual(['field-too-long'])
    expect(codes(withField(Array.from({ length: 33 }, (_, index) => `X-${index}: y`).join('\n')))).toEqual([
      'field-too-long',
    ])
  })

  test('keeps blanks that are none: a suite that ends in one is another suite', () => {
    expect(readText(sampleRelease().replace('Suite: testing', 'Suite: testing\u00a0')).facts.suite).toBe(
      'testing\u00a0',
    )
    expect(readText(sampleRelease({ components: 'main\u2003contrib' })).facts.components).toEqual(['main\u2003contrib'])
  })

  test.each(['test\u200bing', 'testing\u202e', 'test\u3164', 'te\u034fsting', 'testing\u00a0'])(
    'has to be looked at where a name holds what is not seen: %j',
    (suite) => {
      const { facts } = readText(sampleRelease().replace('Suite: testing', `Suite: ${suite}`))
      expect(indexSound(facts).outcome).toBe('attention')
      expect(indexSound(readText(withField(`X-Note: ${suite}`)).facts).outcome).toBe('attention')
      expect(indexSound(readText(sampleRelease()).facts).outcome).toBe('passed')
    },
  )
})

function indexSound(facts: ReturnType<typeof readText>['facts']) {
  const digest = 'ab'.repeat(32)
  const file = {
    ordinal: 0,
    path: 'Release',
    size: 1000,
    sha256: digest,
    facts,
    disposition: 'sign',
    toBeSigned: { what: 'the Release', algorithm: 'sha256', digest },
    signedBefore: [],
  }
  const index = { suite: 'testing', mode: 'clear', signedName: 'InRelease', last: null }
  const artifacts = [
    { artifactId: 1, permission: { kind: 'by-hand' }, files: [file], repositoryIndex: index },
  ] as unknown as Parameters<typeof checkIndexSound>[0]['artifacts']
  return checkIndexSound({ artifacts, now: new Date('2026-11-20T10:00:00Z') })
}

describe('a .changes hides nothing of what is shown of it', () => {
  const changes = (more: string) =>
    `Format: 1.8\nDate: Fri, 20 Nov 2026 08:00:00 +0000\nSource: hello\nArchitecture: source\nVersion: 1.0-1\nDistribution: unstable\nMaintainer: A <a@example.org>\n${more}Changes:\n hello (1.0-1) unstable; urgency=low\nChecksums-Sha1:\nChecksums-Sha256:\nFiles:\n`
  const digests = { md5: 'a'.repeat(32), sha1: 'a'.repeat(40), sha256: 'a'.repeat(64) }
  const read = (more: string) =>
    uploadDocumentFacts(Buffer.from(changes(more)), 'changes', digests as Parameters<typeof uploadDocumentFacts>[2])

  test('is refused where a field of one line is folded', () => {
    expect(read('Changed-By: A <a@example.org>\n').faults).toEqual([])
    for (const field of ['Changed-By:\n Other <b@example.org>', 'Urgency: low\n critical'])
      expect(read(`${field}\n`).faults.map(({ code }) => code)).toEqual(['field-folded'])
  })

  test.each(['Urgency: low\u202e', 'Closes: 1\u200b', 'Changed-By: A\u3164 <a@example.org>'])(
    'has to be looked at where it holds what is not seen: %j',
    (field) => {
      const found = (more: string) => {
        const file = { path: 'hello.changes', size: 1, sha256: digests.sha256, facts: read(more), disposition: 'sign' }
        const artifacts = [{ files: [file] }] as unknown as Parameters<typeof checkUploadWhole>[0]['artifacts']
        return checkUploadWhole({ artifacts }).outcome
      }
      expect(found('Urgency: low\n')).toBe('passed')
      expect(found(`${field}\n`)).toBe('attention')
    },
  )
})

test('a text that is clear-signed tells of characters without a glyph, whatever Unicode calls them', () => {
  for (const odd of ['\u3164', '\u034f', '\ufe0f', '\u115f'])
    expect(inspectText(memorySource(Buffer.from(`one${odd}\n`))).oddities).toMatchObject([
      { kind: 'invisible', count: 1, firstLine: 1 },
    ])
})

test('only blanks and tabs are taken from around a value, in time that grows with its length', () => {
  const file = (value: string) => parseControl(Buffer.from(`Suite:${value}\n`), controlLimits)
  const read = (value: string) => {
    const parsed = file(value)
    return parsed.ok ? lineOf(parsed.value, 'Suite') : null
  }
  expect(read(' \t stable \t')).toBe('stable')
  for (const odd of ['\u00a0', '\u2003', '\u2028', '\ufeff']) expect(read(` stable${odd}`)).toBe(`stable${odd}`)
  expect(read(`a${' '.repeat(200_000)}b`)).toHaveLength(200_002)
})
