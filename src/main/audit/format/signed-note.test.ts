import { describe, expect, it } from 'vitest'
import { sampleEntries } from '../testing/sample-entries.ts'
import { cosign, sampleCheckpoint, sampleKey, sampleLog } from '../testing/sample-log.ts'
import { openCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { addCosignature, verifyCosignature } from './cosignature.ts'
import { formatNote, formatVerifierKey, noteKeyType, parseNote, parseVerifierKey, verifyNote } from './signed-note.ts'

function value<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

// The example of C2SP signed-note v1, and the one of the Go package golang.org/x/mod/sumdb/note.
const published = [
  [
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
  ],
  [
    'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
  ],
] as const

describe('a signed note', () => {
  it.each(published)('that was published verifies with the key %s', (vkey, text) => {
    const key = value(parseVerifierKey(vkey))
    const note = value(parseNote(text))
    expect(verifyNote(note, key)).toBe('verified')
    expect(formatVerifierKey(key)).toBe(vkey)
    expect(formatNote(note)).toBe(text)
    expect(verifyNote(value(parseNote(text.replace('message', 'massage').replace('answer', 'question'))), key)).toBe(
      'wrong',
    )
  })

  it('keeps empty lines of its text: the last one separates', () => {
    const note = value(parseNote('a\n\nb\n\n— k AAAAAAA=\n'))
    expect(note).toMatchObject({ text: 'a\n\nb\n', signatures: [{ name: 'k' }] })
  })

  it('does not look at signatures of keys that are not known, even with the same name or the same id', () => {
    const [vkey, text] = published[0]
    const key = value(parseVerifierKey(vkey))
    const line = text.slice(text.indexOf('—'))
    const sameName = line.replace('Uw2QO', 'Uw2QP')
    const sameId = line.replace('foo', 'bar')
    expect(verifyNote(value(parseNote(`${text}${sameName}${sameId}`)), key)).toBe('verified')
    expect(verifyNote(value(parseNote(text.replace(line, sameId))), key)).toBe('absent')
  })

  it('is spoiled by one wrong signature that claims to be of the known key', () => {
    const [vkey, text] = published[0]
    const wrong = text.slice(text.indexOf('—')).replace('n8srV1', 'n8srV2')
    expect(verifyNote(value(parseNote(`${text}${wrong}`)), value(parseVerifierKey(vkey)))).toBe('wrong')
  })

  it.each([
    ['without signatures', 'text\n'],
    ['with an empty list of signatures', 'text\n\n'],
    ['without a line end', 'text\n\n— k AAAAAAA='],
    ['with a control character', 'te\txt\n\n— k AAAAAAA=\n'],
    ['with a carriage return', 'text\r\n\n— k AAAAAAA=\n'],
    ['with a hyphen for the dash', 'text\n\n- k AAAAAAA=\n'],
    ['with two spaces', 'text\n\n—  k AAAAAAA=\n'],
    ['with a plus in a name', 'text\n\n— k+l AAAAAAA=\n'],
    ['with a no-break space in a name', 'text\n\n— k\u00a0l AAAAAAA=\n'],
    ['with base64 of another alphabet', 'text\n\n— k AAAA_AA=\n'],
    ['with base64 that is not in its one form', 'text\n\n— k AAAAAAB=\n'],
    ['with a signature of no bytes', 'text\n\n— k AAAAAA==\n'],
    ['with a lone surrogate', 'te\ud83dxt\n\n— k AAAAAAA=\n'],
    ['with more signatures than anyone makes', `text\n\n${'— k AAAAAAA=\n'.repeat(65)}`],
    ['that is too large', `${'x'.repeat(65_536)}\n\n— k AAAAAAA=\n`],
  ])('%s is refused', (_name, text) => {
    expect(parseNote(text).ok).toBe(false)
  })

  it('may have 16 signatures', () => {
    expect(parseNote(`text\n\n${'— k AAAAAAA=\n'.repeat(16)}`).ok).toBe(true)
  })
})

describe('a verifier key', () => {
  it.each([
    ['whose hash is of another key', 'example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['whose name was changed', 'example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['of another kind', 'example.com/foo+530d903a+A+kyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['cut short', 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0='],
    ['without a name', '+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['with a line end', 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n'],
  ])('%s is refused', (_name, vkey) => {
    expect(parseVerifierKey(vkey).ok).toBe(false)
  })
})

describe('a checkpoint', () => {
  const { leaves } = sampleLog(sampleEntries())
  const note = sampleCheckpoint(leaves)
  const { key } = sampleKey()

  it('reads the example of C2SP tlog-cosignature, cosignature and all', () => {
    const text =
      'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
      '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
      '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n'
    const { checkpoint, note } = value(parseCheckpoint(text))
    expect(checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163, extensions: [] })
    expect(note.signatures[1]?.signature).toHaveLength(72)
    // Its time line says 1679315147.
    expect(Buffer.from(note.signatures[1]?.signature ?? []).readBigUInt64BE()).toBe(1679315147n)
  })

  it('opens with the key of its log', () => {
    expect(openCheckpoint(note, key)).toMatchObject({ ok: true, value: { checkpoint: { size: leaves.length } } })
  })

  it.each([
    [
      'with another size',
      (text: string) => text.replace(`\n${leaves.length}\n`, `\n${leaves.length - 1}\n`),
      'signature-wrong',
    ],
    ['with an extension line put in', (text: string) => text.replace('\n\n', '\nmore\n\n'), 'signature-wrong'],
    ['of another origin', (text: string) => text.replace('station', 'elsewhere'), 'other-log'],
    [
      'whose signature is of a key that is not known',
      (text: string) => text.replace('— station', '— elsewhere'),
      'not-signed',
    ],
    [
      'with a zero before its size',
      (text: string) => text.replace(`\n${leaves.length}\n`, `\n0${leaves.length}\n`),
      'malformed',
    ],
    [
      'with a sign before its size',
      (text: string) => text.replace(`\n${leaves.length}\n`, `\n+${leaves.length}\n`),
      'malformed',
    ],
    ['without a root hash', (text: string) => text.replace(/\n[^\n]+=\n\n/, '\n\n'), 'malformed'],
    ['with an empty extension line', (text: string) => text.replace('\n\n', '\n\n\n'), 'malformed'],
    ['of an empty log with another root', (text: string) => text.replace(`\n${leaves.length}\n`, '\n0\n'), 'malformed'],
  ])('%s does not', (_name, change, code) => {
    expect(openCheckpoint(change(note), key)).toMatchObject({ ok: false, error: { code } })
  })

  it('can be cosigned by a witness, and says since when', () => {
    const witness = sampleKey('witness', 'witness.example.com/w1', noteKeyType.cosignature)
    const other = sampleKey('other', 'witness.example.com/w2', noteKeyType.cosignature)
    const cosigned = value(addCosignature(note, cosign(note, witness, 1_767_323_045), witness.key))
    const parsed = value(parseCheckpoint(cosigned))
    expect(verifyCosignature(parsed.note, witness.key)).toEqual({ kind: 'verified', time: 1_767_323_045 })
    expect(verifyCosignature(parsed.note, other.key)).toEqual({ kind: 'absent' })
    expect(openCheckpoint(cosigned, key).ok).toBe(true)
    const otherTime = value(parseCheckpoint(`${note}${cosign(note, witness, 1_767_323_045).replace('AABpV', 'AABpX')}`))
    expect(verifyCosignature(otherTime.note, witness.key)).toEqual({ kind: 'wrong' })
    const ofAnotherTree = cosign(sampleCheckpoint(leaves, 3), witness, 1_767_323_045)
    expect(addCosignature(note, ofAnotherTree, witness.key).ok).toBe(false)
    // An Ed25519 note signature of the witness's key is no cosignature: it has no time and another message.
    expect(verifyCosignature(parsed.note, { ...witness.key, id: key.id, name: key.name })).toEqual({ kind: 'wrong' })
  })
})
