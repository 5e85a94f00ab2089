import { describe, expect, it } from 'vitest'
import type { AttestationVerdict } from '../../../shared/attestation.ts'
import type { AuditSeq, Fingerprint } from '../../../shared/ids.ts'
import { sampleAttestation, sampleYubihsm, sampleYubikey } from '../../testing/sample-attestations.ts'
import { hexOf, sampleKey } from '../../testing/sample-data.ts'
import { attestationView, originFact } from './attestation-view.ts'

const root = { name: 'CN=Yubico YubiHSM Root CA', sha256: hexOf('root'), source: 'shipped' } as const
const failed: AttestationVerdict = { kind: 'failed', fault: 'signature-wrong', facts: sampleYubikey }
const looks = (...verdicts: readonly AttestationVerdict[]) =>
  verdicts.map((verdict, index) => sampleAttestation({ verdict, seq: (20 - index) as AuditSeq }))
const origin = (verdict: AttestationVerdict, key = sampleKey()) => {
  const { value, source, assurance } = originFact(key, looks(verdict))
  return [value.kind === 'text' ? value.text : '', source, assurance]
}

describe('where a key was born', () => {
  it('is known only from an attestation that verified', () => {
    expect(origin(sampleAttestation().verdict)).toEqual([
      'generated in the token, attested up to CN=Yubico Attestation Root 1',
      'station',
      'verified',
    ])
  })

  it('is the token’s word where nothing was verified, and is said to be that', () => {
    expect(origin({ kind: 'missing', why: 'files-wanted' })).toEqual([
      'generated on the token, not attested',
      'token',
      'claimed',
    ])
    expect(origin({ kind: 'chain-incomplete', lacks: 'CN=x', facts: sampleYubikey })[2]).toBe('claimed')
    expect(origin({ kind: 'missing', why: 'not-asked' }, sampleKey({ origin: 'unknown' }))[2]).toBe('unknown')
  })

  it('is not known when the attestation failed, whatever the token says', () => {
    expect(origin(failed)).toEqual(['not known: its attestation failed', 'station', 'unknown'])
  })

  it.each([
    [['imported'], 'imported into the token in clear'],
    [['imported', 'imported-wrapped'], 'imported into the token, from another under a wrap key'],
    [['generated', 'imported-wrapped'], 'imported into the token, from another under a wrap key'],
  ] as const)('is outside for a YubiHSM’s bits %j, though the token calls it generated', (bits, words) => {
    const verdict: AttestationVerdict = { kind: 'verified', root, facts: { ...sampleYubihsm, origin: [...bits] } }
    expect(origin(verdict)[0]).toContain(words)
    expect(attestationView(sampleKey(), looks(verdict))?.badge).toEqual({ text: 'Imported', tone: 'attention' })
  })
})

describe('the attestation of a key', () => {
  it('that failed once is told beside every later one', () => {
    const view = attestationView(sampleKey(), looks(sampleAttestation().verdict, failed))
    expect(view?.badge).toEqual({ text: 'Attested, failed before', tone: 'attention' })
    expect(view?.earlier.map(({ id, text }) => [id, text])).toEqual([[19, 'Attestation failed']])
    for (const later of [
      { kind: 'missing', why: 'token-not-read' },
      { kind: 'not-offered', why: 'other-device' },
      { kind: 'chain-incomplete', lacks: 'CN=x', facts: sampleYubikey },
    ] as const)
      expect(attestationView(sampleKey(), looks(later, failed))?.badge.text).toBe('Attestation failed before')
  })

  it('is missing for a key that was registered before there were any, and nothing for one in software', () => {
    expect(attestationView(sampleKey(), [])).toMatchObject({
      badge: { text: 'Not attested' },
      verdict: { title: 'No attestation' },
      certificatesPem: '',
    })
    expect(attestationView(sampleKey({ home: { kind: 'software' } }), [])).toBeNull()
  })

  it('of another key is not taken for this one’s', () => {
    const other = sampleAttestation({ fingerprint: hexOf('another').toUpperCase() as Fingerprint })
    expect(attestationView(sampleKey(), [other])?.badge.text).toBe('Not attested')
  })

  it('says what is a claim as a claim', () => {
    const worth = (verdict: AttestationVerdict) =>
      new Set(attestationView(sampleKey(), looks(verdict))?.facts.map(({ assurance }) => assurance))
    expect(worth(sampleAttestation().verdict)).toEqual(new Set(['verified']))
    expect(worth(failed)).toEqual(new Set(['claimed']))
    expect(worth({ kind: 'failed', fault: 'expired', facts: null })).toEqual(new Set())
  })

  it('names a root that was added at this station as that', () => {
    const own = { ...root, source: 'operator' } as const
    const view = attestationView(sampleKey(), looks({ kind: 'verified', root: own, facts: sampleYubikey }))
    expect(view?.verdict.sentence).toContain('a root that was added at this station')
    expect(view?.verdict.tone).toBe('attention')
  })

  it('gives the commands of the maker’s tool for this very object, and none where there is no such tool', () => {
    const home = (model: string, ckaId: string) =>
      sampleKey({
        home: { kind: 'token', token: { manufacturer: 'Y', model, serial: '1' }, ckaId, pkcs11Uri: '' },
      })
    expect(attestationView(home('YubiHSM', '7e57'), [])?.commands).toEqual([
      'yubihsm-shell --action=sign-attestation-certificate --object-id=0x7e57 --attestation-id=0 --outformat=PEM --out=key-7e57.pem',
      'yubihsm-shell --action=get-opaque --object-id=0 --outformat=PEM --out=device.pem',
    ])
    expect(attestationView(home('YubiKey YK5', '05'), [])?.commands?.[0]).toContain('--slot=82 ')
    expect(attestationView(home('YubiKey YK5', '02'), [])?.commands?.[0]).toContain('--slot=9c ')
    expect(attestationView(home('SoftHSM v2', '01'), [])?.commands).toBeNull()
  })
})
