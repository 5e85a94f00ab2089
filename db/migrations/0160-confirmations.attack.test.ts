import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

const at = '2026-06-01T12:00:00.000Z'
let file: BetterSqlite3.Database

const insert = (intent: number, request: number, verb = 'INSERT', outcome: string | null = null) =>
  file
    .prepare(
      `${verb} INTO confirmation (intent_seq, server, scope, work_request_id, confirm, deny_action, comment, operator, intended_at,
        outcome, outcome_seq) VALUES (?, 'https://server.example/api', 'debusine', ?, 1, 'fail', NULL, 'Zoë', ?, ?, ?)`,
    )
    .run(intent, request, at, outcome, outcome === null ? null : intent + 1)
const end = (intent: number, outcome: string | null, seq: number | null) =>
  file.prepare('UPDATE confirmation SET outcome = ?, outcome_seq = ? WHERE intent_seq = ?').run(outcome, seq, intent)

beforeEach(() => {
  ;({ file } = memoryDatabase())
  file.pragma('foreign_keys = off')
  insert(5, 54)
})

describe('an answer to a task that waits', () => {
  test('ends once, and is never another', () => {
    end(5, 'taken', 6)
    expect(() => end(5, 'overtaken', 7)).toThrow('confirmation-forward')
    expect(() => end(5, null, null)).toThrow('confirmation-forward')
    expect(() => file.exec('UPDATE confirmation SET confirm = 0')).toThrow('confirmation-identity')
    expect(() => file.exec("UPDATE confirmation SET comment = 'no'")).toThrow('confirmation-identity')
    expect(() => insert(5, 55, 'INSERT OR REPLACE')).toThrow('confirmation-once')
    expect(() => file.exec('DELETE FROM confirmation')).toThrow('confirmation-kept')
  })
  test('is not followed by another while nobody knows what became of it', () => {
    expect(() => insert(7, 54)).toThrow('UNIQUE')
    end(5, 'not-delivered', 6)
    insert(7, 54)
  })
  test('does not begin with its end, nor end before its intent', () => {
    expect(() => insert(8, 55, 'INSERT', 'taken')).toThrow('confirmation-forward')
    expect(() => end(5, 'taken', 4)).toThrow('CHECK')
    expect(() => end(5, 'taken', null)).toThrow('CHECK')
    expect(() => end(5, 'lost', 6)).toThrow('CHECK')
  })
})
