import { existsSync, readFileSync, rmSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { settingsBindings } from '../../src/main/ipc/settings.handlers.ts'
import { DeskBench } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

let bench: DeskBench
beforeEach(async () => {
  bench = await DeskBench.make({ tokens: null })
})
afterEach(() => bench.dispose())

/** What the window would be answered. */
async function ask(channel: 'server.enrol' | 'server.set-user-token', input: unknown): Promise<string> {
  const called = await settingsBindings({ current: () => bench.station }, () => {})[channel].call(input)
  if (called.kind !== 'answered') return called.kind
  return called.answer.ok ? 'ok' : called.answer.error.code
}
const story = async () =>
  (await bench.entries())
    .filter(({ event }) => event === 'enrolment-begun' || event === 'enrolled' || event === 'user-token-set')
    .map(({ event, set, server, fqdn, method, operator: who }) => ({ event, set, server, fqdn, method, operator: who }))
const operator = 'Release Manager'

test('The log says that the user’s API token was set or removed, and never what it is', async () => {
  const token = 'a1b2c3d4'.repeat(8)
  expect(await ask('server.set-user-token', { token })).toBe('ok')
  expect(readFileSync(bench.profile.userToken, 'utf8')).toBe(token)
  expect(await ask('server.set-user-token', { token: null })).toBe('ok')
  expect(existsSync(bench.profile.userToken)).toBe(false)
  expect(await story()).toEqual([
    { event: 'user-token-set', set: true, operator },
    { event: 'user-token-set', set: false, operator },
  ])
  expect(JSON.stringify(await bench.entries())).not.toContain(token)
})

test('A user’s API token that the log cannot speak of is not set', async () => {
  const other = new BetterSqlite3(bench.profile.database)
  other.exec('BEGIN IMMEDIATE')
  expect(await ask('server.set-user-token', { token: 'a1b2c3d4'.repeat(8) })).toBe('log-unwritable')
  other.exec('ROLLBACK')
  other.close()
  expect(existsSync(bench.profile.userToken)).toBe(false)
})

test('An enrolment stands in the log before the token is sent, and its end when it is known, even late', async () => {
  expect(await ask('server.enrol', { activationToken: null })).toBe('ok')
  // It was enrolled before, and nothing was sent.
  expect(await story()).toEqual([])
  for (const file of [bench.profile.workerToken, `${bench.profile.workerToken}.state`]) rmSync(file)
  bench.server.faults.add({ route: 'worker.register', fault: { kind: 'drop', when: 'after' } })
  expect(await ask('server.enrol', { activationToken: null })).toBe('server-unreachable')
  const as = { server: bench.server.apiUrl, fqdn: 'desk.example.org' }
  const begun = { event: 'enrolment-begun', ...as, method: 'registration', operator }
  expect(await story()).toEqual([begun])
  bench.server.enableWorker()
  expect(await ask('server.enrol', { activationToken: null })).toBe('ok')
  expect(await story()).toEqual([begun, { event: 'enrolled', ...as, method: 'earlier-attempt' }])
})
