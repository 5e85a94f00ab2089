import type { AuditEntryTable } from './tables/audit-entry.table.ts'
import type { SettingTable } from './tables/setting.table.ts'

/** Table name → row type. */
export interface Database {
  audit_entry: AuditEntryTable
  setting: SettingTable
}
