/**
 * The index of a foreign log: its entries as they were read, in a database of our own. Made by the process that reads foreign
 * logs (log-review/process), looked into by main. No constraint: what a damaged log holds is shown as it is.
 */
export const reviewTables = `
  CREATE TABLE audit_entry (
    seq INTEGER PRIMARY KEY, entry BLOB NOT NULL, leaf_hash BLOB NOT NULL, prev_hash BLOB NOT NULL, at TEXT NOT NULL,
    event TEXT NOT NULL, request_id TEXT, work_request_id INTEGER, fingerprint TEXT, purpose TEXT, operator TEXT,
    input_sha256 TEXT, output_sha256 TEXT, signed_digest TEXT, sheet_digest TEXT
  ) STRICT;
  -- As in a station's own database (migration 60), and always complete.
  CREATE TABLE audit_index (
    kind INTEGER NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, value, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE audit_index_reach (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
  -- The last checkpoint that was found right, and the tree below it, where no entry is left out: for proofs.
  CREATE TABLE audit_log_key (id INTEGER PRIMARY KEY, vkey TEXT NOT NULL, at TEXT NOT NULL) STRICT;
  CREATE TABLE audit_checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL, at TEXT NOT NULL) STRICT;
  CREATE TABLE audit_cosignature (size INTEGER, witness TEXT, line TEXT, at TEXT) STRICT;
  CREATE TABLE audit_node (level INTEGER, position INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, position)) STRICT, WITHOUT ROWID;
  -- Only where entries are left out: which number stands at a place, counted from 0 at the oldest.
  CREATE TABLE review_place (place INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
`

/** Made when all rows are there: one sort is faster than a million insertions. */
export const reviewIndexes: readonly string[] = ['CREATE INDEX review_place_seq ON review_place (seq)']
