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
