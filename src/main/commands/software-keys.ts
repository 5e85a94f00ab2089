import { resolve } from 'node:path'
import type { Failure } from '../../shared/failure.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { Command } from '../config/command-line.ts'
import { exportKeys } from '../keys/export-keys.ts'
import { importKeys } from '../keys/import-keys.ts'
import { judgeDump } from '../keys/import-preview.ts'
import type { Terminal, Told } from './run-command.ts'
import type { Room } from './station-room.ts'

type SoftwareKeysCommand = Extract<Command, { kind: 'software-keys' }>

/** `software-keys preview|import|export`. */
export function runSoftwareKeys(
  command: SoftwareKeysCommand,
  room: Room,
  terminal: Terminal,
): Promise<Result<Told, Failure>> {
  switch (command.action) {
    case 'preview':
      return preview(resolve(command.dump), room, terminal)
    case 'import':
      return take(resolve(command.dump), command.sha256, room, terminal)
    case 'export':
      return save(room, terminal)
  }
}

const verdicts = { take: 'would be taken', have: 'is here', leave: 'NOT taken' } as const

async function preview(path: string, { ports }: Room, { say, signal }: Terminal): Promise<Result<Told, Failure>> {
  const judged = await judgeDump(ports, path, signal)
  if (!judged.ok) return judged
  const { format, dumpSha256, rows, taking } = judged.value.preview
  const where = format === 'django-json' ? 'object' : 'line'
  for (const { place, purpose, fingerprint, name, verdict, why } of rows) {
    say(`${where} ${place}: ${verdicts[verdict]}: ${purpose ?? ''} ${fingerprint ?? ''} ${name ?? ''}`)
    say(`    ${why}`)
  }
  say(`${taking} of ${rows.length} would be taken, as test keys that are marked as imported for ever.`)
  say(`SHA-256 of the dump: ${dumpSha256}`)
  return ok({ whole: true })
}

async function take(
  path: string,
  dumpSha256: string,
  { ports, operator }: Room,
  { say, progress, signal }: Terminal,
): Promise<Result<Told, Failure>> {
  const done = await importKeys(ports, {
    path,
    dumpSha256,
    operator,
    onProgress: ({ done: count, total }) => progress(`${count} of ${total} …`),
    signal,
  })
  if (!done.ok) return done
  const { taken, left, failed, stopped } = done.value
  say(`Taken: ${taken}; left: ${left}; failed: ${failed.length}.`)
  for (const { name, failure } of failed) say(`  “${name}”: ${failure.message}`)
  if (stopped) say('Stopped. What was taken stays; the same command goes on from here.')
  return ok({ whole: !stopped && failed.length === 0 })
}

async function save({ ports, operator, profile }: Room, { say }: Terminal): Promise<Result<Told, Failure>> {
  const saved = await exportKeys(ports, { folder: profile.exports, operator })
  if (!saved.ok) return saved
  const { path, keys, sha256, serviceKeys } = saved.value
  say(path)
  say(`${keys} software keys, still sealed. SHA-256 ${sha256}`)
  say('On the other machine: debusine-signing loaddata FILE. What opens them has to be in /etc/debusine/signing there:')
  for (const { fingerprint, file } of serviceKeys) say(`  ${fingerprint}  ${file === null ? 'MISSING HERE' : file}`)
  return ok({ whole: serviceKeys.every(({ file }) => file !== null) })
}
