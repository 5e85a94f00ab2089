import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { maxLine, readClearText } from './clear-text.ts'
import { signCleartext } from './cleartext.ts'
import { signDetached } from './detached.ts'
import { localCertificate, localSigner } from './testing/local-signer.ts'
import { verifyOwnCleartext, verifyOwnDetached } from './verify-own.ts'

// What GnuPG and Sequoia say of the same is in e2e/openpgp; here openpgp.js looks at thousands of texts.

const at = new Date('2026-03-04T05:06:07Z')
const signer = localSigner('ed25519')
const second = localSigner('ed25519', { version: 6 })
let certificate: Uint8Array
let secondCertificate: Uint8Array
const expected = () => [{ certificate, signingFingerprint: signer.key.fingerprint }]
beforeAll(async () => {
  certificate = await localCertificate(signer, 'Test <test@example.org>')
  secondCertificate = await localCertificate(second, 'Second')
})

const line = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    '-',
    '--',
    '- -',
    'From ',
    'from',
    '\t',
    ' ',
    '\r',
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA1',
    '\ufeff',
  ),
)
const text = fc.array(fc.array(line, { maxLength: 3 }).map((parts) => parts.join(''))).map((lines) => lines.join('\n'))

describe('a clear-signed text', () => {
  it('is read back by openpgp.js as what was signed, whatever it is, or is refused', async () => {
    let refused = 0
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        const bytes = Buffer.from(content.toWellFormed())
        const signed = await signCleartext(bytes, [signer], at)
        if (!signed.ok) {
          refused += 1
          expect(signed.error.code).toBe('text-unsafe')
          expect(/\r(?!\n)|\0/.test(bytes.toString('utf8'))).toBe(true)
          return
        }
        expect(await verifyOwnCleartext(signed.value, bytes, expected(), at)).toBeNull()
      }),
      { numRuns: 150 },
    )
    expect(refused).toBeGreaterThan(0)
  })

  it('is not taken for another text, another key, or more signatures', async () => {
    const bytes = Buffer.from('one\ntwo\n')
    const signed = await signCleartext(bytes, [signer], at)
    if (!signed.ok) throw new Error(signed.error.message)
    const other = localSigner('ed25519')
    const otherCertificate = await localCertificate(other, 'Other')
    expect(await verifyOwnCleartext(signed.value, Buffer.from('one\ntwo \n'), expected(), at)).toBeNull()
    expect(await verifyOwnCleartext(signed.value, Buffer.from('one\n two\n'), expected(), at)).toContain('not the text')
    const byOther = [{ certificate: otherCertificate, signingFingerprint: other.key.fingerprint }]
    expect(await verifyOwnCleartext(signed.value, bytes, byOther, at)).toContain('is not good')
    const named = [{ certificate, signingFingerprint: other.key.fingerprint }]
    expect(await verifyOwnCleartext(signed.value, bytes, named, at)).toContain('another key')
    expect(await verifyOwnCleartext(signed.value, bytes, [...expected(), ...byOther], at)).toContain('holds 1')
    const changed = Buffer.from(Buffer.from(signed.value).toString('utf8').replace('two', 'tWo'))
    expect(await verifyOwnCleartext(changed, Buffer.from('one\ntWo\n'), expected(), at)).toContain('is not good')
    expect(await verifyOwnCleartext(Buffer.from('nothing'), bytes, expected(), at)).toContain('cannot be read')
  })

  it('by keys of both versions holds a signature of each', async () => {
    const bytes = Buffer.from('text\n')
    const both = await signCleartext(bytes, [signer, second], at)
    if (!both.ok) throw new Error(both.error.message)
    const signers = [...expected(), { certificate: secondCertificate, signingFingerprint: second.key.fingerprint }]
    expect(await verifyOwnCleartext(both.value, bytes, signers, at)).toBeNull()
    const alone = await signCleartext(bytes, [second], at)
    expect(alone.ok && Buffer.from(alone.value).toString('utf8')).not.toContain('Hash:')
  })

  it('has lines up to the length that GnuPG reads', () => {
    expect(readClearText(Buffer.from('x'.repeat(maxLine))).ok).toBe(true)
    expect(readClearText(Buffer.from(`\n${'x'.repeat(maxLine + 1)}`))).toMatchObject({
      error: { code: 'long-line', line: 2 },
    })
  })
})

describe('a detached signature', () => {
  it('is the same however the data come, in binary and in text', async () => {
    const data = fc
      .uint8Array({ maxLength: 60 })
      .map((bytes) => bytes.map((byte) => (byte < 40 ? ([10, 13, 65][byte % 3] ?? 0) : byte)))
    await fc.assert(
      fc.asyncProperty(
        data,
        fc.array(fc.nat(60), { maxLength: 5 }),
        fc.boolean(),
        fc.boolean(),
        async (bytes, cuts, armor, asText) => {
          const places = [0, ...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length]
          const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
          const form = { armor, text: asText, created: at }
          const [whole, pieces] = [
            await signDetached([bytes], [signer], form),
            await signDetached(chunks, [signer], form),
          ]
          if (!whole.ok || !pieces.ok) throw new Error('not signed')
          // Ed25519 has no chance in it.
          expect(Buffer.compare(whole.value, pieces.value)).toBe(0)
          if (!asText) expect(await verifyOwnDetached(pieces.value, bytes, expected(), at)).toBeNull()
        },
      ),
      { numRuns: 100 },
    )
  })

  it('of a text is good for the same text with other line ends', async () => {
    const signed = await signDetached([Buffer.from('a\r'), Buffer.from('\nb\n')], [signer], {
      armor: true,
      text: true,
      created: at,
    })
    if (!signed.ok) throw new Error(signed.error.message)
    expect(await verifyOwnDetached(signed.value, Buffer.from('a\nb\r\n'), expected(), at)).toBeNull()
    expect(await verifyOwnDetached(signed.value, Buffer.from('a\nb'), expected(), at)).toContain('is not good')
  })
})
