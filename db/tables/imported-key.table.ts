/** A software key that came from another installation. Rows are never changed and never deleted. */
export interface ImportedKeyTable {
  key_id: number
  /** SHA-256 of the dump, lower-case hex. */
  dump_sha256: string
  imported_at: string
  /** When the other installation says that it made the key. */
  made_at: string | null
}
