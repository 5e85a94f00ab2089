/** More than any chain has; a longer text is no chain. */
const maxCertificates = 8

const block = /-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

/**
 * The certificates in a file or in pasted text: PEM blocks in their order with whatever text around them, or one DER certificate.
 * Null: there is none, there are too many, or what is there is cut. Their contents are not looked at.
 */
export function certificatesIn(source: Uint8Array | string): readonly Uint8Array[] | null {
  // A certificate's DER begins with a SEQUENCE of 2 length octets; text does not begin with 30 82.
  if (typeof source !== 'string' && source[0] === 0x30 && (source[1] ?? 0) >= 0x81) return [source]
  const text = typeof source === 'string' ? source : Buffer.from(source).toString('latin1')
  const found = [...text.matchAll(block)].map(([, body = '']) => Buffer.from(body.replaceAll(/\s/g, ''), 'base64'))
  const begun = text.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0
  if (found.length === 0 || found.length !== begun || found.length > maxCertificates) return null
  return found
}

/** PEM (RFC 7468 §5.1), one block for each. */
export function certificatesText(certificates: readonly Uint8Array[]): string {
  return certificates
    .map((der) => {
      const lines =
        Buffer.from(der)
          .toString('base64')
          .match(/.{1,64}/g) ?? []
      return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
    })
    .join('')
}
