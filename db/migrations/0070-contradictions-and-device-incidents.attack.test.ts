import BetterSqlite3 from 'better-sqlite3'
import { expect, it } from 'vitest'
import { migrate } from '../migrate.ts'

const insert = (id: string) =>
  `INSERT INTO audit_contradiction (id, record) VALUES ('${id}', '${JSON.stringify({ note: 'x'.repeat(100) })}')`

it('what contradicted the log is not changed, taken away or put in anew by a statement', () => {
  const file = new BetterSqlite3(':memory:')
  migrate(file)
  const id = 'ab'.repeat(32)
  file.exec(insert(id))
  for (const statement of [
    `UPDATE audit_contradiction SET record = '${'y'.repeat(200)}'`,
    'DELETE FROM audit_contradiction',
    insert(id).replace('INSERT', 'REPLACE'),
    `${insert(id)} ON CONFLICT (id) DO UPDATE SET record = '${'y'.repeat(200)}'`,
    insert('short'),
  ])
    expect(() => file.exec(statement), statement).toThrow()
  expect(file.prepare('SELECT count(*) FROM audit_contradiction').pluck().get()).toBe(1)
  file.close()
})

it('an incident with a device is opened once, closed once, and nothing else of it changes', () => {
  const file = new BetterSqlite3(':memory:')
  file.pragma('foreign_keys = OFF')
  migrate(file)
  const open = `INSERT INTO device_incident (name, device_serial, opened_seq) VALUES ('07550140 use-not-ours 3', '07550140', 5)`
  file.exec(open)
  const refused = [
    open,
    open.replace('INSERT', 'REPLACE'),
    open.replace("3'", "4'"),
    `INSERT INTO device_incident VALUES ('other', '07550140', 6, 7)`,
    'UPDATE device_incident SET closed_seq = 4',
    `UPDATE device_incident SET closed_seq = 8, name = 'other'`,
    'UPDATE device_incident SET opened_seq = 4',
    'DELETE FROM device_incident',
  ]
  for (const statement of refused) expect(() => file.exec(statement), statement).toThrow()
  file.exec('UPDATE device_incident SET closed_seq = 8')
  for (const statement of [
    ...refused,
    'UPDATE device_incident SET closed_seq = NULL',
    'UPDATE device_incident SET closed_seq = 9',
  ])
    expect(() => file.exec(statement), statement).toThrow()
  file.close()
})
