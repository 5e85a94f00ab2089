import type { Failure } from '../../shared/failure.ts'
import { ok, type Result } from '../../shared/result.ts'
import { reencryptKeys } from '../keys/reencrypt-keys.ts'
import { addServiceKey, listServiceKeys } from '../keys/service-key-desk.ts'
import type { Terminal, Told } from './run-command.ts'
import type { Room } from './station-room.ts'

/** `service-key new|list|reencrypt`. */
export function runServiceKey(
  action: 'new' | 'list' | 'reencrypt',
  room: Room,
  terminal: Terminal,
): Promise<Result<Told, Failure>> {
  switch (action) {
    case 'new':
      return make(room, terminal)
    case 'list':
      return list(room, terminal)
    case 'reencrypt':
      return reencrypt(room, terminal)
  }
}

async function make({ ports, operator }: Room, { say }: Terminal): Promise<Result<Told, Failure>> {
  const made = await addServiceKey(ports, operator)
  if (!made.ok) return made
  say(`${made.value.fingerprint}  ${made.value.file}`)
  say(`Made in ${ports.folder}. New software keys are sealed with it.`)
  say('Back the file up apart from the database: without it, what is sealed with it is lost.')
  const now = await listServiceKeys(ports)
  if (now.ok && now.value.waiting > 0)
    say(`${now.value.waiting} sealed with older service keys: “signing-station service-key reencrypt” seals them anew.`)
  return ok({ whole: true })
}

async function list({ ports }: Room, { say }: Terminal): Promise<Result<Told, Failure>> {
  const listed = await listServiceKeys(ports)
  if (!listed.ok) return listed
  const { folder, keys, absent, waiting } = listed.value
  say(`Service keys in ${folder}:`)
  if (keys.length === 0) say('  none')
  for (const { file, fingerprint, problem, encrypts, opens } of keys)
    say(
      fingerprint === null
        ? `  NOT SAFE TO USE, so none is used: ${file} ${problem ?? ''}`
        : `  ${fingerprint}  ${file}  opens ${opens}${encrypts ? ', encrypts' : ''}`,
    )
  for (const { fingerprint, opens } of absent)
    say(`  MISSING ${fingerprint}, needed for: ${opens.map((name) => `“${name}”`).join(', ')}`)
  if (waiting > 0) say(`${waiting} not sealed with the first service key.`)
  return ok({ whole: absent.length === 0 && keys.every(({ fingerprint }) => fingerprint !== null) })
}

async function reencrypt(
  { ports, operator }: Room,
  { say, progress, signal }: Terminal,
): Promise<Result<Told, Failure>> {
  const done = await reencryptKeys(ports, {
    operator,
    onProgress: ({ done: count, total }) => progress(`${count} of ${total} …`),
    signal,
  })
  if (!done.ok) return done
  const { to, reencrypted, already, kept, stopped } = done.value
  say(`Sealed anew with ${to}: ${reencrypted}; already so: ${already}; kept as before: ${kept.length}.`)
  for (const { name, failure } of kept) say(`  kept “${name}”: ${failure.message}`)
  if (stopped) say('Stopped. What was sealed anew stays so; the same command goes on from here.')
  if (!stopped && kept.length === 0)
    say('No record of this station needs an older service key any more. Older backups of its folder still do.')
  return ok({ whole: !stopped && kept.length === 0 })
}
