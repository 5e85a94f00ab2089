import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { sha256Hex } from '../../shared/ids.ts'
import { memorySource } from '../inspector/process/byte-source.ts'
import { inspectAs } from '../inspector/process/inspect.ts'
import { signedChild } from '../signing/debsign/rewrite.ts'
import { edited, type SampleFiles, sampleUpload } from './testing/sample-upload.ts'
import { readUpload, type UploadFile } from './upload.ts'
import { documentKindOf } from './upload-document.ts'

const changesName = 'hello_1.0_amd64.changes'

function read(files: SampleFiles) {
  return readUpload(
    [...files].map(([path, bytes]): UploadFile => {
      const kind = documentKindOf(path)
      const { md5, sha1, sha256 } = signedChild(path, bytes)
      const digests = { md5, sha1, sha256: sha256Hex.parse(sha256) }
      const facts =
        kind === null
          ? ({ kind: 'payload', what: 'data', digests } as const)
          : inspectAs(memorySource(bytes), kind, null)
      if (facts.kind !== 'upload-document' && facts.kind !== 'payload') throw new Error(facts.kind)
      return { path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), facts }
    }),
  )
}
function refusals(files: SampleFiles): readonly string[] {
  return read(files)
    .findings.filter(({ outcome }) => outcome === 'refused')
    .map(({ subject, found }) => `${subject}: ${found}`)
}
const change = (edit: (text: string) => string) => edited(sampleUpload(), changesName, edit)

describe('an upload', () => {
  test('of dpkg is whole, and its documents are named in the order in which they are signed', () => {
    expect(read(sampleUpload())).toEqual({
      dsc: 'hello_1.0.dsc',
      buildinfo: 'hello_1.0_amd64.buildinfo',
      changes: changesName,
      findings: [],
    })
  })

  test('is refused where a package is not the one that was listed', () => {
    const same = sampleUpload()
    const deb = Buffer.from(same.get('hello_1.0_amd64.deb') ?? '')
    deb[deb.length - 1] = 0x58
    expect(refusals(same.set('hello_1.0_amd64.deb', deb))).toEqual([
      `hello_1.0_amd64.deb: is not what ${changesName} lists: MD5, SHA-1, SHA-256 differ`,
      'hello_1.0_amd64.deb: is not what hello_1.0_amd64.buildinfo lists: MD5, SHA-1, SHA-256 differ',
    ])
    expect(refusals(sampleUpload().set('hello_1.0.tar.xz', Buffer.from('short')))).toEqual([
      `hello_1.0.tar.xz: has 5 bytes; ${changesName} says 23`,
      'hello_1.0.tar.xz: has 5 bytes; hello_1.0.dsc says 23',
    ])
  })

  test.each([
    ['MD5', /^ [0-9a-f]{32} (?=.*_amd64\.deb$)/m, ` ${'0'.repeat(32)} `],
    ['SHA-1', /^ [0-9a-f]{40} (?=.*_amd64\.deb$)/m, ` ${'0'.repeat(40)} `],
    ['SHA-256', /^ [0-9a-f]{64} (?=.*_amd64\.deb$)/m, ` ${'0'.repeat(64)} `],
  ])('is refused where one digest alone is wrong: %s', (name, line, instead) => {
    expect(refusals(change((text) => text.replace(line, instead)))).toEqual([
      `hello_1.0_amd64.deb: is not what ${changesName} lists: ${name} differ`,
    ])
  })

  test('is refused where a file is missing, or one is there that nobody lists', () => {
    const files = sampleUpload()
    files.delete('hello_1.0_amd64.deb')
    files.set('evil_1.0_amd64.deb', Buffer.from('!<arch>'))
    expect(refusals(files)).toEqual([
      `hello_1.0_amd64.deb: is listed in ${changesName}, and is not there`,
      `evil_1.0_amd64.deb: is not listed in ${changesName}`,
    ])
  })

  test('is refused where a .dsc does not match its own files, though the .changes does', () => {
    const dsc = edited(sampleUpload(), 'hello_1.0.dsc', (text) => text.replaceAll(/[0-9a-f]{64}/g, 'a'.repeat(64)))
    const found = refusals(dsc)
    expect(found).toContain('hello_1.0.tar.xz: is not what hello_1.0.dsc lists: SHA-256 differ')
  })

  test('is refused where the source package is another one', () => {
    const other = edited(sampleUpload(), 'hello_1.0.dsc', (text) => text.replace('Source: hello', 'Source: evil'))
    expect(refusals(other)).toContain('hello_1.0.dsc: is of another source package than the .changes: evil 1.0')
  })

  test('is refused with a second .changes, a second .dsc, none at all, or a folder', () => {
    const twice = sampleUpload()
    twice.set('other.changes', Buffer.from(twice.get(changesName) ?? ''))
    expect(refusals(twice)).toEqual(['other.changes: is a second .changes: an upload has one'])
    expect(refusals(new Map([['x.deb', Buffer.from('!<arch>')]]))).toEqual([
      'upload: has no .changes: it does not say what it is',
    ])
    const folder = sampleUpload().set('pool/x.deb', Buffer.from('!<arch>'))
    expect(refusals(folder)).toEqual(['pool/x.deb: is in a folder: the files of an upload lie beside each other'])
    const sources = change((text) =>
      text.replaceAll(/^( [0-9a-f]+ \d+ (?:misc optional )?)hello_1\.0\.tar\.xz$/gm, '$1other_1.0.dsc'),
    )
    expect(refusals(sources)).toContain(
      'other_1.0.dsc: is a second .dsc: an upload has one source, and debsign signs only one',
    )
  })

  test('is refused where a document lists one that is signed after it: that one changes, and its digests here would be wrong', () => {
    const listing = (document: string, name: string) =>
      refusals(
        edited(sampleUpload(), document, (text) =>
          text.replaceAll(/^( [0-9a-f]+ \d+ )hello_1\.0(?:\.tar\.xz|_amd64\.deb)$/gm, `$1${name}`),
        ),
      )
    const [dsc, buildinfo] = ['hello_1.0.dsc', 'hello_1.0_amd64.buildinfo']
    const sentence = (name: string) => `lists ${name}, which is signed after it and is another file then`
    expect(listing(dsc, buildinfo)).toContain(`${dsc}: ${sentence(buildinfo)}`)
    expect(listing(dsc, changesName)).toContain(`${dsc}: ${sentence(changesName)}`)
    expect(listing(buildinfo, changesName)).toContain(`${buildinfo}: ${sentence(changesName)}`)
    expect(listing(buildinfo, dsc).join()).not.toContain('signed after it')
  })

  test('keeps further .buildinfo files unsigned, and says so', () => {
    const more = change((text) =>
      text.replaceAll(/^( [0-9a-f]+ \d+ (?:misc optional )?)hello-doc_1\.0_all\.deb$/gm, '$1hello_1.0_arm64.buildinfo'),
    )
    expect(read(more).findings).toContainEqual({
      subject: 'hello_1.0_amd64.buildinfo',
      found: 'is a further .buildinfo: it is not signed, as debsign signs only the first',
      outcome: 'attention',
    })
  })

  test.each([
    [
      'names with a path',
      (text: string) => text.replaceAll('hello_1.0_amd64.deb', '../hello_1.0_amd64.deb'),
      'not one of a file beside it: “../hello_1.0_amd64.deb”',
    ],
    [
      'names that are a path',
      (text: string) => text.replaceAll('hello_1.0_amd64.deb', '/etc/passwd'),
      'not one of a file beside it: “/etc/passwd”',
    ],
    [
      'names of nothing',
      (text: string) => text.replaceAll('hello_1.0_amd64.deb', '..'),
      'not one of a file beside it: “..”',
    ],
    [
      'hidden names',
      (text: string) => text.replaceAll('hello_1.0_amd64.deb', '.profile'),
      'not one of a file beside it: “.profile”',
    ],
    [
      'a file twice',
      (text: string) => text.replace(/^( [0-9a-f]{64} .*_amd64\.deb)$/m, '$1\n$1'),
      'lists hello_1.0_amd64.deb twice',
    ],
    [
      'lists that differ',
      (text: string) => text.replace(/^ [0-9a-f]{64} .*_amd64\.deb\n/m, ''),
      'does not list every file',
    ],
    [
      'sizes that differ',
      (text: string) => text.replace(/^( [0-9a-f]{64} )\d+( .*_amd64\.deb)$/m, '$11$2'),
      'another size',
    ],
    [
      'a size with a leading zero',
      (text: string) => text.replace(/^( [0-9a-f]{64} )(\d+ .*_amd64\.deb)$/m, '$10$2'),
      'a size that is none',
    ],
    [
      'an unknown kind of checksum',
      (text: string) => `${text}Checksums-Blake3:\n 00 1 x\n`,
      'Checksums-Blake3 is a list of checksums of a kind that is not known',
    ],
    [
      'no SHA-256',
      (text: string) => text.replace(/^Checksums-Sha256:\n(?: .*\n)+/m, ''),
      'There is no Checksums-Sha256',
    ],
    ['no list of files', (text: string) => text.replace(/^Files:\n(?: .*\n)+/m, ''), 'There is no field Files'],
    [
      'format 1.6',
      (text: string) => text.replace('Format: 1.8', 'Format: 1.6'),
      'the format “1.6”; 1.7 and 1.8 are signed',
    ],
    [
      'format 1.9',
      (text: string) => text.replace('Format: 1.8', 'Format: 1.9'),
      'the format “1.9”; 1.7 and 1.8 are signed',
    ],
    [
      'format 2.8',
      (text: string) => text.replace('Format: 1.8', 'Format: 2.8'),
      'the format “2.8”; 1.7 and 1.8 are signed',
    ],
    ['no format', (text: string) => text.replace('Format: 1.8\n', ''), 'the format that it does not name'],
    [
      'a version that is none',
      (text: string) => text.replace('Version: 1.0', 'Version: one'),
      '“one” is no version that dpkg accepts',
    ],
    ['no distribution', (text: string) => text.replace('Distribution: unstable\n', ''), 'no field Distribution'],
    ['CR LF', (text: string) => text.replaceAll('\n', '\r\n'), 'carriage returns (CR LF line ends)'],
    [
      'a line that begins with a dash',
      (text: string) => text.replace('Urgency', '-Urgency'),
      'neither a field nor the continuation of one',
    ],
    [
      'a text too long to be read',
      (text: string) => text.replace('   * First.', '   * line\n'.repeat(1200).trimEnd()),
      'too long to be reviewed whole',
    ],
  ])('is refused with %s', (_, edit, sentence) => {
    const found = refusals(change(edit))
    expect(found.join('\n')).toContain(sentence)
    expect(found.join('\n')).toContain(`${changesName}: `)
  })

  // python-debian parts a line at all white space of Unicode and would take the priority for the name; others do so at tabs.
  test.each(['\t', '\u00a0', '\u3000', '\u2028', '\u200b'])(
    'is refused with a section or a priority in which others see more columns: %j',
    (blank) => {
      for (const columns of [`misc${blank}optional evil_1.0_amd64.deb`, `misc optional${blank}evil_1.0_amd64.deb`]) {
        const edit = (text: string) =>
          text.replace('misc optional hello_1.0_amd64.deb', `${columns} hello_1.0_amd64.deb`)
        expect(refusals(change(edit)).join()).toContain('Files has a section or a priority that is none')
      }
    },
  )

  test.each(['0.3', '1.1', '2.0', 'x'])(
    'is refused with a .buildinfo of format %s before anything is signed',
    (format) => {
      const files = edited(sampleUpload(), 'hello_1.0_amd64.buildinfo', (text) =>
        text.replace('Format: 1.0', `Format: ${format}`),
      )
      expect(refusals(files)).toContain(
        `hello_1.0_amd64.buildinfo: The .buildinfo has the format “${format}”; 0.0 to 0.2 and 1.0 are signed.`,
      )
    },
  )

  test('shows what is signed already, without its signature', () => {
    const files = sampleUpload()
    const text = files.get('hello_1.0.dsc')?.toString() ?? ''
    const facts = inspectAs(
      memorySource(
        Buffer.from(
          `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${text}\n-----BEGIN PGP SIGNATURE-----\n\niHUE\n=abcd\n-----END PGP SIGNATURE-----\n`,
        ),
      ),
      'dsc',
      null,
    )
    expect(facts).toMatchObject({
      faults: [],
      signedAlready: true,
      bodySha256: createHash('sha256').update(text).digest('hex'),
    })
  })

  test('keeps what hides from the eye in its text, for the screen to show', () => {
    const facts = inspectAs(
      memorySource(
        sampleUpload('1.0', 'hello', '   * Fix \u202Egnihton\u202C\u00AD.').get(changesName) ?? Buffer.alloc(0),
      ),
      'changes',
      null,
    )
    expect(facts.kind === 'upload-document' && facts.changes.at(-1)).toBe('  * Fix \u202Egnihton\u202C\u00AD.')
  })
})
