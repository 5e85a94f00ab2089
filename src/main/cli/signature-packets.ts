import { framedPackets, packetTag } from '../openpgp/packet.ts'

const begin = '-----BEGIN PGP SIGNATURE-----'
const end = '-----END PGP SIGNATURE-----'

/** As many as an index may have keys: every entry of a log is searched for each of them. */
const mostPackets = 8
/** Octets of armor; no packet that the station keeps has more than 64 KiB. */
const mostArmor = mostPackets * 65_536

/**
 * The packets of the OpenPGP signature in a file, of a clear-signed text or beside another file (RFC 9580 §6, §7). Only what this program
 * writes is read; of anything else there are none, and the whole file is what is looked for. Shows nothing about the signed text.
 */
export function signaturePackets(bytes: Buffer): readonly Uint8Array[] {
  const start = bytes.lastIndexOf(begin, undefined, 'latin1')
  const stop = start === -1 ? -1 : bytes.indexOf(end, start, 'latin1')
  if (stop === -1 || stop - start > mostArmor) return []
  const [, ...lines] = bytes.subarray(start, stop).toString('latin1').split('\n')
  const base64 = lines.filter((line) => /^[A-Za-z0-9+/]+={0,2}$/.test(line)).join('')
  const packets = framedPackets(Buffer.from(base64, 'base64')) ?? []
  const own = packets.length <= mostPackets && packets.every(({ tag }) => tag === packetTag.signature)
  return own ? packets.map(({ whole }) => whole) : []
}
