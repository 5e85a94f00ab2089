import { describe, expect, it } from 'vitest'
import { generateLocalKey } from '../signing/testing/local-key.ts'
import { extendCertificate, revokeCertificate } from './amend-certificate.ts'
import { armor } from './armor.ts'
import { makeCertificate } from './certificate.ts'
import { fingerprintHex, openPgpPublicKey, spkiOf } from './public-key.ts'
import { readOpenPgpCertificate, signingKeyFor } from './read-certificate.ts'
import { localCertificate, localSigner, testKeyTime } from './testing/local-signer.ts'

const later = (days: number) => new Date((testKeyTime + days * 86_400) * 1000)
const owner = 'Archive <archive@example.org>'
const read = async (source: Uint8Array | string, at: Date) => {
  const certificate = await readOpenPgpCertificate(source, at)
  if (!certificate.ok) throw new Error(`${certificate.error.message} ${certificate.error.detail ?? ''}`)
  return certificate.value
}
const spkiOfSigner = ({ key }: ReturnType<typeof localSigner>) => spkiOf(key) ?? new Uint8Array()

describe('a public key', () => {
  it.each(['rsa-2048', 'ec-p256', 'ec-p384', 'ed25519'] as const)('%s goes into OpenPGP and back', (algorithm) => {
    const { spki } = generateLocalKey(algorithm)
    for (const version of [4, 6] as const)
      for (const ed25519 of ['legacy', 'current'] as const) {
        const key = openPgpPublicKey(spki, { version, created: testKeyTime, ed25519 })
        expect(key === null ? null : spkiOf(key)?.toString('hex')).toBe(Buffer.from(spki).toString('hex'))
      }
  })

  it('has another fingerprint with another creation time', () => {
    const { spki } = generateLocalKey('ed25519')
    const of = (created: number) => openPgpPublicKey(spki, { version: 4, created, ed25519: 'legacy' })
    expect(of(testKeyTime)?.fingerprint).not.toEqual(of(testKeyTime + 1)?.fingerprint)
    expect([of(0), of(2 ** 32), of(1.5)]).toEqual([null, null, null])
  })
})

describe('a certificate', () => {
  it.each([
    ['rsa-2048', 4],
    ['ec-p256', 4],
    ['ed25519', 4],
    ['rsa-2048', 6],
    ['ec-p384', 6],
    ['ed25519', 6],
  ] as const)('of a key %s, version %i, is made, extended and revoked', async (algorithm, version) => {
    const primary = localSigner(algorithm, { version })
    const made = await makeCertificate({
      primary,
      userId: owner,
      created: testKeyTime,
      expiresAfter: 10 * 86_400,
      signingSubkey: null,
    })
    if (!made.ok) throw new Error(made.error.message)
    const { certificate, revocation } = made.value
    const spki = spkiOfSigner(primary)
    const fresh = await read(certificate, later(1))
    expect(fresh).toMatchObject({ version, userIds: [owner], primaryFlags: 3, certifiedBy: [] })
    expect(signingKeyFor(fresh, spki)).toMatchObject({ ok: true, value: { role: 'primary', expires: later(10) } })
    expect(signingKeyFor(await read(certificate, later(11)), spki)).toMatchObject({ error: { code: 'key-expired' } })
    expect(signingKeyFor(await read(certificate, later(-1)), spki)).toMatchObject({
      error: { code: 'key-not-yet-valid' },
    })

    const extended = await extendCertificate({
      certificate,
      primary,
      userIds: fresh.certifiedIds,
      flags: fresh.primaryFlags,
      created: testKeyTime + 12 * 86_400,
      expiresAfter: 100 * 86_400,
    })
    if (!extended.ok) throw new Error(extended.error.message)
    expect(signingKeyFor(await read(extended.value, later(50)), spki)).toMatchObject({
      ok: true,
      value: { expires: later(100) },
    })

    const created = testKeyTime + 60 * 86_400
    const revoked = await revokeCertificate({ certificate: extended.value, primary, created }, 'compromised', 'lost')
    if (!revoked.ok) throw new Error(revoked.error.message)
    expect(signingKeyFor(await read(revoked.value, later(61)), spki)).toMatchObject({ error: { code: 'key-revoked' } })
    // The revocation that was prepared, put behind the primary key by whoever needs it.
    const [length] = [primary.key.body.length]
    const header = length < 192 ? 2 : 3
    const whole = Buffer.concat([
      certificate.subarray(0, header + length),
      revocation,
      certificate.subarray(header + length),
    ])
    expect(signingKeyFor(await read(whole, later(2)), spki)).toMatchObject({ error: { code: 'key-revoked' } })
  })

  it('with a subkey that signs, whose primary key does not', async () => {
    const [primary, subkey] = [localSigner('rsa-2048'), localSigner('ec-p256')]
    const certificate = await read(await localCertificate(primary, owner, subkey), later(1))
    expect(signingKeyFor(certificate, spkiOfSigner(subkey))).toMatchObject({ ok: true, value: { role: 'subkey' } })
    expect(signingKeyFor(certificate, spkiOfSigner(primary))).toMatchObject({ error: { code: 'no-signing-key' } })
  })

  it('of another key is refused', async () => {
    const certificate = await read(await localCertificate(localSigner('ec-p256'), owner), later(1))
    expect(signingKeyFor(certificate, generateLocalKey('ec-p256').spki)).toMatchObject({
      error: { code: 'certificate-of-another-key' },
    })
  })

  it('whose creation time was changed is told from one of another key', async () => {
    const signer = localSigner('ed25519')
    const bytes = Buffer.from(await localCertificate(signer, owner))
    // The last octet of the creation time: header of two octets, version, time.
    bytes[6] = (bytes[6] ?? 0) ^ 1
    const certificate = await read(bytes, later(1))
    expect(signingKeyFor(certificate, spkiOfSigner(signer))).toMatchObject({
      error: { code: 'creation-time-differs', message: expect.stringContaining(fingerprintHex(signer.key)) },
    })
  })

  it.each([
    ['nothing', ''],
    ['a certificate of X.509', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
    ['broken armor', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n'],
    ['more than 64 KiB', 'x'.repeat(100_000)],
  ])('is not read from %s', async (_name, source) => {
    expect(await readOpenPgpCertificate(source, later(1))).toMatchObject({ error: { code: 'certificate-unreadable' } })
  })

  it('is not read from two at once', async () => {
    const two = Buffer.concat([
      await localCertificate(localSigner('ed25519'), owner),
      await localCertificate(localSigner('ed25519'), owner),
    ])
    expect(await readOpenPgpCertificate(armor('PGP PUBLIC KEY BLOCK', two, true), later(1))).toMatchObject({
      error: { code: 'certificate-unreadable' },
    })
  })
})
