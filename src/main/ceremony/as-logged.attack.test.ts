import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import type { CeremonyId } from '../../shared/ceremony.ts'
import { Secret } from '../../shared/secret.ts'
import { noteKeyType, verifierKey } from '../audit/format/signed-note.ts'
import { type AuditStation, auditStation } from '../audit/testing/audit-station.ts'
import { silentLog } from '../log/logger.ts'
import { createTokenService } from '../token/service.ts'
import { codeOf } from '../token/testing/token-bench.ts'
import { bundleOf } from './bundle.ts'
import { findCeremony } from './ceremony.repository.ts'
import type { CeremonyEngine } from './engine.ts'
import { planOf } from './script.ts'
import { beginScript, benchEngine, operator, scriptOf, valueOf } from './testing/engine-bench.ts'

// Somebody has the file of the database, and wants a transcript with another story than the one that was told aloud.

let folder = ''
let station: AuditStation
let engine: CeremonyEngine
let id: CeremonyId

const script = (...steps: readonly string[]) =>
  scriptOf(
    steps.map((step) =>
      step === 'questions'
        ? { id: step, kind: 'answers', title: step, questions: [{ id: 'where', question: 'Where?' }] }
        : { id: step, kind: 'note', title: step, aloud: true },
    ),
  )

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'as-logged-'))
  station = await auditStation(join(folder, 'station.db'))
  const tokens = createTokenService({
    node: process.execPath,
    hostEntry: '/nowhere',
    modules: [],
    serviceKeysFolder: '/nowhere',
    environment: {},
    log: silentLog,
  })
  engine = benchEngine(station, tokens, folder)
  id = await beginScript(engine, script('first', 'questions', 'second'))
  await read('first')
  valueOf(await engine.startStep(id, 'questions', operator))
  const answers = { kind: 'answers' as const, answers: [{ id: 'where', answer: 'In the vault.' }] }
  valueOf(await engine.finishStep(id, { step: 'questions', input: answers }, noSecrets(), operator))
  valueOf(await engine.deviate({ id, step: 'second', effect: 'skipped', by: 'A', reason: 'No time.' }, operator))
})
afterEach(async () => {
  await station.close()
  rmSync(folder, { recursive: true })
})

const noSecrets = () => ({ pin: null, officerPin: null, useLastTry: false })

async function read(step: string): Promise<void> {
  valueOf(await engine.startStep(id, step, operator))
  valueOf(await engine.finishStep(id, { step, input: { kind: 'note', by: 'B. Reader' } }, noSecrets(), operator))
}

/** As somebody does who has the file: no trigger stands in the way, and the schema is left as it was. */
function edit(statement: string, ...values: readonly (string | Uint8Array)[]): void {
  const file = new BetterSqlite3(join(folder, 'station.db'))
  const triggers = file
    .prepare<[], { name: string; sql: string }>(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
    .all()
  for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
  file.prepare(statement).run(...values)
  for (const { sql } of triggers) file.exec(sql)
  file.close()
}

const ended = () => engine.end(id, 'completed', operator)

test('what nobody edited is sealed', async () => {
  expect(codeOf(await ended())).toBe('ok')
})

test('a deviation that was taken out of the records is missed before the next step', async () => {
  edit(`DELETE FROM ceremony_record WHERE record LIKE '%ceremony-deviation%'`)
  expect((await engine.show(id))?.steps.map(({ kind }) => kind)).toEqual(['done', 'done', 'waiting'])
  expect(codeOf(await engine.startStep(id, 'second', operator))).toBe('ceremony-not-as-logged')
})

test('a record with another story is not sealed, and its own is', async () => {
  const tell = (from: string, to: string) => edit('UPDATE ceremony_record SET record = replace(record, ?, ?)', from, to)
  tell('No time.', 'Not needed.')
  expect(codeOf(await ended())).toBe('ceremony-not-as-logged')
  tell('Not needed.', 'No time.')
  expect(codeOf(await ended())).toBe('ok')
})

test('a plan without the step that was not done is not carried out', async () => {
  const shorter = script('first', 'questions')
  const plan = JSON.stringify(valueOf(planOf(shorter, {})))
  edit('UPDATE ceremony SET plan = ?, script = ?', plan, shorter)
  expect(codeOf(await ended())).toBe('ceremony-not-as-logged')
})

const digestOfZero = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'

test.each([
  ['a file of it, with its digest', `UPDATE ceremony_file SET content = x'00', sha256 = '${digestOfZero}'`],
  ['a file less', 'DELETE FROM ceremony_file'],
  ['a file more', `INSERT INTO ceremony_file SELECT ceremony_id, n, 'more.txt', sha256, content FROM ceremony_file`],
  ['another script', `UPDATE ceremony SET script = x'7b7d'`],
])('evidence with %s is not handed out', async (_, statement) => {
  valueOf(await ended())
  expect(await bundled()).not.toBe('transcript-changed')
  edit(statement)
  expect(await bundled()).toBe('transcript-changed')
})

test('a transcript that was sealed anew in the database alone is not handed out', async () => {
  valueOf(await ended())
  const stored = await findCeremony(readerOf(station.db), id)
  const other = Buffer.from(
    Buffer.from(stored?.transcript ?? [])
      .toString('utf8')
      .replace('No time.', 'Not so.'),
  )
  const digest = createHash('sha256').update(other).digest('hex')
  edit('UPDATE ceremony SET transcript = ?, transcript_sha256 = ?', other, digest)
  expect(await bundled()).toBe('transcript-changed')
})

async function bundled(): Promise<string> {
  const ceremony = await findCeremony(readerOf(station.db), id)
  if (ceremony === null) throw new Error('no ceremony')
  const key = verifierKey('log', noteKeyType.ed25519, new Uint8Array(32))
  return codeOf(await bundleOf({ db: readerOf(station.db), ceremony, key, softwareVersion: '0', now: new Date() }))
}

test('a PIN that came while another step was under way is wiped', async () => {
  const secrets = () => ({ ...noSecrets(), pin: Secret.fromText('123456') })
  const [first, second] = [secrets(), secrets()]
  const finish = (typed: typeof first) =>
    engine.finishStep(id, { step: 'second', input: { kind: 'note', by: 'B' } }, typed, operator)
  const codes = (await Promise.all([finish(first), finish(second)])).map(codeOf)
  expect(codes).toEqual(['step-not-now', 'ceremony-busy'])
  for (const { pin } of [first, second]) expect(Buffer.from(pin.reveal()).every((byte) => byte === 0)).toBe(true)
})
