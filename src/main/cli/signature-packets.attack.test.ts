import { describe, expect, it } from 'vitest'
import { concatBytes, packet } from '../openpgp/packet.ts'
import { signaturePackets } from './signature-packets.ts'

// The file comes from whoever wants an auditor to believe something, or to give up.

const armored = (bytes: Uint8Array, lines = 64) =>
  Buffer.from(
    `-----BEGIN PGP SIGNATURE-----\n\n${Buffer.from(bytes)
      .toString('base64')
      .replaceAll(new RegExp(`.{${lines}}`, 'g'), '$&\n')}\n-----END PGP SIGNATURE-----\n`,
  )
const own = packet(2, Buffer.from('a signature'))
const many = (count: number) => concatBytes(...Array.from({ length: count }, () => own))

describe('the packets of a file’s signature', () => {
  it('are those of an index by as many keys as one may have', () => {
    expect(signaturePackets(armored(many(8)))).toHaveLength(8)
  })

  it('are none where there are more than keys: each of a log’s entries would be searched for all of them', () => {
    expect(signaturePackets(armored(many(9)))).toEqual([])
    expect(signaturePackets(armored(Buffer.alloc(200_000, 'c200', 'hex')))).toEqual([])
  })

  it('are none where the signature is larger than those of all keys', () => {
    expect(signaturePackets(armored(packet(2, Buffer.alloc(9 * 65_536))))).toEqual([])
  })

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['NULs', Buffer.alloc(4096)],
    ['a beginning without an end', Buffer.from('-----BEGIN PGP SIGNATURE-----\n'.repeat(50_000))],
    ['an end before its beginning', Buffer.from('-----END PGP SIGNATURE-----\n-----BEGIN PGP SIGNATURE-----\n')],
    ['armor in armor', Buffer.concat([Buffer.from('-----BEGIN PGP SIGNATURE-----\n'), armored(packet(60, own))])],
    ['a packet that ends beyond it', armored(Uint8Array.of(0xc2, 0xff, 0xff, 0xff, 0xff, 0xff))],
    ['a packet that is no signature beside one', armored(concatBytes(own, packet(10, Buffer.from('PGP'))))],
    ['one line without an end', Buffer.from(`-----BEGIN PGP SIGNATURE-----\n${'A'.repeat(600_000)}=`)],
  ])('are none in %s', (_, bytes) => {
    expect(signaturePackets(bytes)).toEqual([])
  })
})
