import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import type { KeyName } from './key-uses.ts'

export type Sighting = NonNullable<RegisteredKey['lastSeen']>

/** A key that is looked at every half minute is not written every half minute. */
const writeAgainMs = 10 * 60_000

/** Where each key was last seen: exactly while the program runs, to within ten minutes after a restart. */
export interface KeySightings {
  /** By the key's name, `PURPOSE FINGERPRINT`. */
  last(): Promise<ReadonlyMap<string, Sighting>>
  /** Never fails: that it could not be written is no reason not to use a key. */
  seen(key: KeyName, sighting: Sighting): Promise<void>
}

/** `mayWrite`: false while the station is for reading only. */
export function createKeySightings(db: Kysely<Database>, mayWrite: () => boolean): KeySightings {
  const now = new Map<string, Sighting>()
  const written = new Map<string, Sighting>()
  const nameOf = ({ purpose, fingerprint }: KeyName) => `${purpose} ${fingerprint}`
  return {
    async last() {
      for (const row of await readerOf(db).selectFrom('key_sighting').selectAll().execute()) {
        const sighting = { at: row.at, tokenLabel: row.token_label, module: row.module }
        written.set(nameOf(row), sighting)
        if (!now.has(nameOf(row))) now.set(nameOf(row), sighting)
      }
      return now
    },
    async seen(key, sighting) {
      const name = nameOf(key)
      now.set(name, sighting)
      const before = written.get(name)
      const isNews =
        before === undefined ||
        before.tokenLabel !== sighting.tokenLabel ||
        before.module !== sighting.module ||
        Math.abs(Date.parse(sighting.at) - Date.parse(before.at)) >= writeAgainMs
      if (!isNews || !mayWrite()) return
      const place = { at: sighting.at, token_label: sighting.tokenLabel, module: sighting.module }
      const kept = await writeTransaction(db, (trx) =>
        trx
          .insertInto('key_sighting')
          .values({ purpose: key.purpose, fingerprint: key.fingerprint, ...place })
          .onConflict((conflict) => conflict.columns(['purpose', 'fingerprint']).doUpdateSet(place))
          .execute(),
      )
      if (kept.ok) written.set(name, sighting)
    },
  }
}
