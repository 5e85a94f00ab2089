import type { Insertable, Selectable } from 'kysely'

/** A named value of the station that is neither a key nor a request: the settings, the enrolment, marks of the start-up check. */
export interface SettingTable {
  name: string
  /** JSON. */
  value: string
  updated_at: string
}
export type SettingRow = Selectable<SettingTable>
export type NewSetting = Insertable<SettingTable>
