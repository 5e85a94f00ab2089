import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { verifyTarget } from '../cli/verify-target.ts'
import { checkpointFileOf } from './checkpoint-file.ts'
import { checkCheckpoints } from './startup-checkpoint.ts'
import { checkpointedStation } from './testing/checkpointed-station.ts'
import { sampleKey } from './testing/sample-log.ts'

const program = new URL('testing/checkpoint.child.ts', import.meta.url).pathname
const { key } = sampleKey()

/** Runs the child until it kills itself, or until it told `lines` lines; gives what it told. */
async function run(path: string, copies: string, point: string, lines = Number.POSITIVE_INFINITY) {
  const child = spawn(process.execPath, [program, path, point, copies], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let entries = 0
  let checkpoint = 0
  let note: string | null = null
  let told = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, number, ...rest] = line.split(' ')
    if (what === 'entries') entries = Number(number)
    if (what === 'checkpoint') {
      checkpoint = Number(number)
      note = JSON.parse(rest.join(' ')) as string
    }
    told += 1
    if (told === lines) child.kill('SIGKILL')
  }
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  return { entries, checkpoint, note }
}

/** The next start: the check finds the log whole, everything that was told is there, and the log goes on. */
async function restart(path: string, told: { entries: number; checkpoint: number; note: string | null }) {
  const station = await checkpointedStation(path)
  const reader = readerOf(station.db)
  const state = await checkCheckpoints(reader, key, checkpointFileOf(path))
  if (state.kind !== 'whole') throw new Error(JSON.stringify(state))
  const sizes = (await reader.selectFrom('audit_checkpoint').select('size').orderBy('size').execute()).map(
    ({ size }) => size,
  )
  expect(state.entries).toBeGreaterThanOrEqual(told.entries)
  expect(sizes.at(-1) ?? 0).toBeGreaterThanOrEqual(told.checkpoint)
  expect(new Set(sizes).size).toBe(sizes.length)
  await station.checkpoint()
  await station.close()
  // And the last checkpoint that the killed program told anyone holds for the log as it is now.
  const known = join(path, '..', 'known.checkpoint')
  if (told.note !== null) writeFileSync(known, told.note)
  const outcome = verifyTarget({
    target: path,
    key,
    checkpoints: told.note === null ? [] : [known],
    consistency: [],
    witnesses: [],
    file: null,
    readEntries: true,
    json: false,
  })
  expect(outcome).toMatchObject({
    kind: told.note === null ? 'cannot-tell' : 'verified',
    facts: { size: state.entries, lastCheckpoint: state.entries },
  })
  return { entries: state.entries, checkpoints: sizes }
}

describe('a station killed at a point of writing a checkpoint', () => {
  // The child is killed in its second round: two entries and their checkpoint were told before.
  it.each([
    ['before the entries', 'before-entry', { entries: 2, checkpoints: [2] }],
    ['before the signature', 'before-signature', { entries: 4, checkpoints: [2] }],
    ['after the signature, before it is in the database', 'before-commit', { entries: 4, checkpoints: [2] }],
    ['after it is in the database, before it is in the file', 'after-commit', { entries: 4, checkpoints: [2, 4] }],
    ['after it is in the file, before it is on the media', 'after-file', { entries: 4, checkpoints: [2, 4] }],
  ])('%s has lost nothing, doubled nothing and goes on', async (_name, point, found) => {
    const folder = tempFolder()
    const path = join(folder, 'station.db')
    const copies = join(folder, 'medium')
    mkdirSync(copies)
    await (await checkpointedStation(path)).close()
    expect(await restart(path, await run(path, copies, point))).toEqual(found)
  })

  it('or anywhere else, again and again, over the remains of an unfinished file', async () => {
    const folder = tempFolder()
    const path = join(folder, 'station.db')
    const copies = join(folder, 'medium')
    mkdirSync(copies)
    await (await checkpointedStation(path)).close()
    writeFileSync(`${checkpointFileOf(path)}.new`, 'half of a ')
    let entries = 0
    for (let round = 0; round < 12; round += 1) {
      const after = await restart(path, await run(path, copies, 'never', 1 + ((round * 5) % 9)))
      expect(after.entries).toBeGreaterThan(entries)
      expect((after.entries - entries) % 2).toBe(0)
      entries = after.entries
    }
  }, 120_000)
})
