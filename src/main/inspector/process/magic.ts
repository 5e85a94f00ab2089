const magics: readonly (readonly [hex: string, name: string])[] = [
  ['7f454c46', 'an ELF file'],
  ['1f8b', 'gzip data'],
  ['425a68', 'bzip2 data'],
  ['fd377a585a00', 'xz data'],
  ['28b52ffd', 'zstd data'],
  ['213c617263683e', 'an ar archive or Debian package'],
  ['d00dfeed', 'a flattened device tree'],
  ['2d2d2d2d2d424547494e20504750', 'OpenPGP armor'],
]

/** What a file begins like. Null: like nothing that is known. */
export function beginsLike(firstBytes: Uint8Array): string | null {
  const hex = Buffer.from(firstBytes).toString('hex')
  return magics.find(([magic]) => hex.startsWith(magic))?.[1] ?? null
}
