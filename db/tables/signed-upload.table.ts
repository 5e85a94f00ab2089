/** The last uploads that were signed, by source package. */
export interface SignedUploadTable {
  request_id: string
  source: string
  version: string
  distribution: string
  /** JSON: `{name, size}` of each file. */
  files: string
  signed_at: string
}

/** The last `Release` that was signed of each suite. */
export interface SignedReleaseTable {
  /** Server, scope, workspace and suite, as JSON: a suite of one server is not that of another. */
  suite: string
  request_id: string
  release_date: string | null
  release: Uint8Array
  signed_at: string
}
