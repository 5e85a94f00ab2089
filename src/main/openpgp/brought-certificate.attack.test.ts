import { describe, expect, it } from 'vitest'
import { extendCertificate } from './amend-certificate.ts'
import { certifyUserId, describing, makeCertificate, userIdPacket } from './certificate.ts'
import { concatBytes } from './packet.ts'
import { readOpenPgpCertificate } from './read-certificate.ts'
import { localSigner, testKeyTime } from './testing/local-signer.ts'

const at = new Date((testKeyTime + 86_400) * 1000)
const owner = 'Archive <archive@example.org>'
const stranger = 'Other <other@example.org>'

async function read(certificate: Uint8Array) {
  const found = await readOpenPgpCertificate(certificate, at)
  if (!found.ok) throw new Error(found.error.message)
  return found.value
}

/** What anybody can do to a published certificate: packets behind it, which no key of its own has signed. */
describe('a certificate to which somebody else has added', () => {
  it.each([4, 6] as const)('is not extended for user ids that the key never certified, version %i', async (version) => {
    const primary = localSigner('ed25519', { version })
    const forger = localSigner('ed25519', { version })
    const made = await makeCertificate({
      primary,
      userId: owner,
      created: testKeyTime,
      expiresAfter: 10 * 86_400,
      signingSubkey: null,
    })
    if (!made.ok) throw new Error(made.error.message)
    // Says that it is by the primary key, and is not.
    const claims = { ...primary, sign: forger.sign }
    const forged = await certifyUserId(claims, Buffer.from(stranger), testKeyTime + 3600, describing(0x2f, null))
    if (!forged.ok) throw new Error(forged.error.message)
    for (const added of [[userIdPacket(stranger)], [userIdPacket(stranger), forged.value]]) {
      const certificate = await read(concatBytes(made.value.certificate, ...added))
      expect(certificate.userIds).toEqual([owner])
      expect(certificate.primaryFlags).toBe(3)
      const extended = await extendCertificate({
        certificate: certificate.binary,
        primary,
        userIds: certificate.certifiedIds,
        flags: certificate.primaryFlags,
        created: testKeyTime + 86_400,
        expiresAfter: 99 * 86_400,
      })
      if (!extended.ok) throw new Error(extended.error.message)
      const again = await read(extended.value)
      expect(again.userIds).toEqual([owner])
    }
  })
})
