import { describe, expect, test } from 'vitest'
import { controlLimits } from './control-fault.ts'
import { fieldOf, lineOf, parseControl, valueOf } from './paragraph.ts'

const plain = 'Format: 1.8\nSource: hello\nChanges:\n hello (1.0)\n .\n   * First.\n'
const signature = '-----BEGIN PGP SIGNATURE-----\n\niHUEARYKAB0WIQ==\n=SZDf\n-----END PGP SIGNATURE-----\n'
const signed = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${plain}\n${signature}`

function read(text: string | Uint8Array) {
  return parseControl(typeof text === 'string' ? Buffer.from(text) : text, controlLimits)
}
function codeOf(text: string | Uint8Array): string {
  const made = read(text)
  return made.ok ? 'read' : made.error.code
}

describe('a control file', () => {
  test('gives its fields as debusine has them', () => {
    const made = read(plain)
    if (!made.ok) throw new Error(made.error.message)
    const changes = fieldOf(made.value, 'changes')
    expect(changes === null ? null : valueOf(changes)).toBe('\n hello (1.0)\n .\n   * First.')
    expect(lineOf(made.value, 'SOURCE')).toBe('hello')
    expect(lineOf(made.value, 'Changes')).toBeNull()
    expect(made.value.signed).toBe(false)
  })

  test('is the same text with and without a signature', () => {
    const made = read(signed)
    expect(made.ok && made.value.signed).toBe(true)
    expect(made.ok && Buffer.from(made.value.body).toString()).toBe(plain)
    const tight = read(signed.replace(`\n\n-----BEGIN PGP SIG`, '\n-----BEGIN PGP SIG'))
    expect(tight.ok && Buffer.from(tight.value.body).toString()).toBe(plain)
  })

  test('is refused where text stands outside what a signature covers', () => {
    const covered = [
      `Note: approve\n\n${signed}`,
      `${signed}Note: approve\n`,
      `${signed}\n${signed}`,
      signed.replace('Hash: SHA512\n', 'Hash: SHA512\nNote: approve\n'),
      signed.replace('Hash: SHA512\n', 'Hash: SHA512\nNotDashEscaped: you\n'),
      `${plain}-----BEGIN PGP SIGNED MESSAGE-----\n`,
      `${plain}${signature}`,
    ]
    expect(covered.map(codeOf)).toEqual(covered.map(() => 'text-outside-frame'))
  })

  test('is refused where its frame is not whole', () => {
    const broken = [
      signed.replace(signature, ''),
      signed.replace('-----END PGP SIGNATURE-----\n', ''),
      signed.replace('iHUE', '<script>'),
      signed.replace('-----BEGIN PGP SIGNED MESSAGE-----', '-----BEGIN PGP SIGNED MESSAGE----- '),
      signed.replace('Source: hello', '- -Source: hello'),
      signed.replace(plain, `${plain}-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nSource: other\n`),
      '-----BEGIN PGP SIGNED MESSAGE-----',
      '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n',
    ]
    expect(broken.map(codeOf)).toEqual(broken.map(() => 'frame-malformed'))
  })

  test.each([
    ['carriage-return', plain.replaceAll('\n', '\r\n')],
    ['carriage-return', plain.replace('hello\n', 'hello\rEvil: yes\n')],
    ['line-malformed', plain.replace('Source', '-Source')],
    ['line-malformed', plain.replace('Source', '#Source')],
    ['line-malformed', ` continued\n${plain}`],
    ['line-malformed', plain.replace('Source: hello', 'Source hello')],
    ['line-malformed', plain.replace('Source: hello', 'Sour ce: hello')],
    ['line-malformed', `\uFEFF${plain}`],
    ['several-paragraphs', `${plain}\nSource: other\n`],
    ['blank-line', `\n${plain}`],
    ['blank-line', plain.replace(' .\n', '  \t\n')],
    ['field-twice', `${plain}source: other\n`],
    ['no-fields', ''],
    ['no-final-newline', plain.slice(0, -1)],
    ['control-character', plain.replace('First', 'Fir\u001b[2Kst')],
    ['control-character', plain.replace('First', 'Fir\0st')],
    ['too-many-fields', Array.from({ length: 101 }, (_, index) => `X-${index}: 1\n`).join('')],
    ['too-many-lines', `A:\n${' x\n'.repeat(50_001)}`],
    ['line-too-long', `A: ${'x'.repeat(256 * 1024)}\n`],
  ])('is refused as %s', (code, text) => {
    const made = read(text)
    expect(made.ok ? 'read' : made.error.code).toBe(code)
    expect(made.ok ? '' : made.error.message).toMatch(/^[A-Z].*\.$/s)
  })

  test('is refused where it is not UTF-8', () => {
    expect(codeOf(Buffer.from([...Buffer.from('Source: '), 0xff, 0x0a]))).toBe('not-utf8')
    expect(codeOf(Buffer.from([...Buffer.from('Source: '), 0xed, 0xa0, 0x80, 0x0a]))).toBe('not-utf8')
  })

  test('is not read at all where it is too large', () => {
    expect(codeOf(new Uint8Array(controlLimits.bytes + 1))).toBe('too-large')
  })
})
