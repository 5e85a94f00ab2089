import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { memorySource } from '../inspector/process/byte-source.ts'
import { inspectRelease } from '../inspector/process/inspect-control.ts'
import { parseAnswer } from '../inspector/protocol.ts'
import { sampleRelease } from './testing/sample-release.ts'

function read(text: string, before: string | null = null) {
  const facts = inspectRelease(
    memorySource(Buffer.from(text)),
    before === null ? null : memorySource(Buffer.from(before)),
  )
  // As it comes out of the process: a fact that the contract does not take would be a dead inspector.
  const answer = parseAnswer(JSON.stringify({ kind: 'facts', facts }))
  if (answer?.kind !== 'facts' || answer.facts.kind !== 'release') throw new Error('not an answer of the inspector')
  return answer.facts
}
const sentences = (text: string) => read(text).faults.map(({ message }) => message)

describe('a Release', () => {
  test('says what it is', () => {
    const text = sampleRelease()
    expect(read(text)).toEqual({
      kind: 'release',
      faults: [],
      signedAlready: false,
      bodySha256: createHash('sha256').update(text).digest('hex'),
      origin: 'Example',
      label: 'Example archive',
      suite: 'testing',
      codename: 'forky',
      version: '14.0',
      description: null,
      date: '2026-11-20T08:00:00.000Z',
      validUntil: '2026-11-27T08:00:00.000Z',
      components: ['main', 'contrib'],
      architectures: ['all', 'amd64', 'arm64'],
      acquireByHash: true,
      notAutomatic: null,
      digestLists: ['MD5Sum', 'SHA256'],
      indexes: 3,
      others: [],
      change: null,
    })
  })

  test('is compared with the one before', () => {
    const before = sampleRelease()
    const after = sampleRelease({
      date: 'Fri, 20 Nov 2026 09:00:00 UTC',
      components: 'main',
      indexes: { 'main/binary-amd64/Packages': 'new', 'main/binary-arm64/Packages': 'b', 'main/source/Sources': 's' },
    })
    expect(read(after, before).change).toEqual({
      date: '2026-11-20T08:00:00.000Z',
      added: 1,
      removed: 1,
      changed: 1,
      unchanged: 1,
      examples: [
        { how: 'added', name: 'main/source/Sources' },
        { how: 'removed', name: 'contrib/binary-all/Packages' },
        { how: 'changed', name: 'main/binary-amd64/Packages' },
      ],
      fields: [{ name: 'Components', before: 'main contrib', after: 'main' }],
    })
    expect(read(after, 'garbage').change).toBeNull()
  })

  test('of 100,000 lines is read, and told of in a bounded answer', () => {
    const many = (letter: string) =>
      Object.fromEntries(
        Array.from({ length: 50_000 }, (_, index) => [`main/i${index}/Packages`, `${letter}${index % 1000}`]),
      )
    const large = sampleRelease({ indexes: many('a') })
    expect(large.split('\n').length).toBeGreaterThan(100_000)
    const facts = read(sampleRelease({ indexes: { ...many('b'), extra: 'x' } }), large)
    expect(facts.change).toMatchObject({ added: 1, removed: 0, changed: 50_000, unchanged: 0 })
    expect(facts.indexes).toBe(50_001)
    expect(JSON.stringify(facts).length).toBeLessThan(20_000)
  })

  test.each([
    ['CR LF', (text: string) => text.replaceAll('\n', '\r\n'), 'carriage returns'],
    ['a line that begins with a dash', (text: string) => text.replace('Label', '-Label'), 'neither a field nor'],
    ['a second paragraph', (text: string) => `${text}\nSuite: stable\n`, 'second paragraph'],
    [
      'a signature',
      (text: string) =>
        `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${text}-----BEGIN PGP SIGNATURE-----\n\niHUE\n-----END PGP SIGNATURE-----\n`,
      'carries a signature',
    ],
    [
      'text before a signature',
      (text: string) => `Suite: evil\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${text}`,
      'Text stands before',
    ],
    ['no SHA256', (text: string) => text.replace(/^SHA256:\n(?: .*\n)+/m, ''), 'no SHA256 list'],
    [
      'a name that leaves the folder',
      (text: string) => text.replaceAll('main/binary-amd64', '../stable/main'),
      'leaves the folder',
    ],
    ['an absolute name', (text: string) => text.replaceAll('main/binary-amd64', '/main'), 'leaves the folder'],
    [
      'a file twice',
      (text: string) => text.replaceAll('contrib/binary-all/Packages', 'main/binary-amd64/Packages'),
      'twice',
    ],
    [
      'lists that differ',
      (text: string) => text.replace(/^ [0-9a-f]{32} .*amd64.*\n/m, ''),
      'lists 2 files, and SHA256 3',
    ],
    [
      'lists of other sizes',
      (text: string) => text.replace(/^( [0-9a-f]{32} +)1( .*amd64)/m, '$12$2'),
      'do not say the same of',
    ],
    ['no date', (text: string) => text.replace(/^Date: .*\n/m, ''), 'no Date'],
    [
      'a date of another zone',
      (text: string) => text.replace('08:00:00 UTC\nValid', '08:00:00 +0200\nValid'),
      'Date of the Release is not a time of UTC',
    ],
    [
      'a date that is none',
      (text: string) => text.replace('20 Nov 2026 08:00:00 UTC\nValid', '20 Nov 2026 88:00:00 UTC\nValid'),
      'Date of the Release is not a time of UTC',
    ],
    [
      'no suite and no codename',
      (text: string) => text.replace(/^(?:Suite|Codename): .*\n/gm, ''),
      'neither a Suite nor a Codename',
    ],
    ['invalid UTF-8', (text: string) => text.replace('Label: Example', 'Label: \udc80'), null],
  ])('is refused with %s', (_, edit, sentence) => {
    if (sentence === null) {
      const bytes = Buffer.concat([Buffer.from('Origin: '), Buffer.of(0xc3, 0x28), Buffer.from(`\n${sampleRelease()}`)])
      expect(inspectRelease(memorySource(bytes), null)).toMatchObject({ faults: [{ code: 'not-utf8' }] })
      return
    }
    expect(sentences(edit(sampleRelease())).join('\n')).toContain(sentence)
  })
})
