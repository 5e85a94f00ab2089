import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 55,
  update: (file) => {
    // A purpose that is rare among a million entries is found without reading them.
    file.exec('CREATE INDEX audit_entry_purpose ON audit_entry (purpose) WHERE purpose IS NOT NULL')
  },
}
