/** Where a registered key's public key was last read, to within some minutes. */
export interface KeySightingTable {
  purpose: string
  fingerprint: string
  at: string
  token_label: string
  module: string
}
