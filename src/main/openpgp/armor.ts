export type ArmorKind = 'PGP SIGNATURE' | 'PGP PUBLIC KEY BLOCK'

const lineLength = 64

/**
 * ASCII armor (RFC 9580 §6) without headers. `crc`: the CRC-24 line, which old readers want and which must not follow packets of
 * version 6 (§6.1).
 */
export function armor(kind: ArmorKind, bytes: Uint8Array, crc: boolean): string {
  const base64 = Buffer.from(bytes).toString('base64')
  const lines: string[] = []
  for (let start = 0; start < base64.length; start += lineLength) lines.push(base64.slice(start, start + lineLength))
  if (crc) lines.push(`=${Buffer.from(crc24(bytes)).toString('base64')}`)
  return `-----BEGIN ${kind}-----\n\n${lines.join('\n')}\n-----END ${kind}-----\n`
}

/** RFC 9580 §6.1.1. */
function crc24(bytes: Uint8Array): Uint8Array {
  let crc = 0xb704ce
  for (const octet of bytes) {
    crc ^= octet << 16
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb
    }
  }
  return Uint8Array.of((crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff)
}
