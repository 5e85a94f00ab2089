/** A checkpoint by the key of this log that the log was found not to contain. */
export interface AuditContradictionTable {
  /** SHA-256 of the signed text of the checkpoint, lower-case hex. */
  id: string
  /** Line of JSON, as in the file beside the database (docs/formats/checkpoint.md §6). */
  record: string
}
