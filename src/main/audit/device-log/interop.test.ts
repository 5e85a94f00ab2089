import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it, type TestContext } from 'vitest'
import { hex } from '../bytes.ts'
import { type DeviceEntry, linkOf } from './device-entry.ts'
import { entryOf, makeDevice } from './testing/device.ts'
import { libyubihsmFolder } from './testing/libyubihsm.ts'

// The other implementation: libyubihsm, which its maker gives to those who drain a device (yh_verify_logs).
const program = new URL('testing/yubihsm_verify.py', import.meta.url).pathname
const folder = await libyubihsmFolder()

function libyubihsm(context: TestContext, logs: readonly (readonly DeviceEntry[])[]): readonly string[] {
  const input = logs.map((entries) => entries.map(({ raw }) => hex(raw)).join('\n')).join('\n\n')
  if ('missing' in folder) return context.skip(`needs libyubihsm2: ${folder.missing}`)
  const env = { ...process.env, LD_LIBRARY_PATH: folder.path }
  const done = spawnSync('python3', [program], { input, encoding: 'utf8', env })
  if (done.error !== undefined) context.skip('needs python3')
  if (done.status === 77) context.skip('libyubihsm2 of Debian 13 does not load here')
  expect(done.stderr).toBe('')
  return done.stdout.trim().split('\n')
}

const ours = (entries: readonly DeviceEntry[]) =>
  entries.every((entry, index) => {
    const before = entries[index - 1]
    return before === undefined || linkOf(before, entry).kind === 'chained'
  })
    ? 'chained'
    : 'not chained'

it('libyubihsm takes the documented sample for a chain', (context) => {
  const page = readFileSync(new URL('../../../../docs/formats/device-log.md', import.meta.url), 'utf8')
  const lines = /^```device-entries\n([\s\S]*?)^```$/m.exec(page)?.[1]?.trim().split('\n') ?? []
  const entries = lines.map((line) => entryOf(Buffer.from(line, 'hex')))
  expect(entries).toHaveLength(5)
  expect(libyubihsm(context, [entries])).toEqual(['chained'])
})

it('libyubihsm and this program find the same chains broken', (context) => {
  const device = makeDevice('interop')
  for (let i = 0; i < 6; i++) device.sign(0x64)
  const all = device.entries()
  const edited = (place: number, byte: number) =>
    all.map((entry, index) => {
      if (index !== place) return entry
      const raw = Uint8Array.from(entry.raw)
      raw[byte] = (raw[byte] ?? 0) ^ 1
      return entryOf(raw)
    })
  const logs = [
    all,
    all.slice(1),
    all.toSpliced(3, 1),
    all.toReversed(),
    ...[0, 2, 4, 6, 8, 10, 11, 15, 16, 31].map((byte) => edited(3, byte)),
    edited(0, 31),
    edited(6, 31),
  ]
  const theirs = libyubihsm(context, logs)
  expect(theirs).toEqual(logs.map(ours))
  expect(theirs.filter((verdict) => verdict === 'chained')).toHaveLength(2)
})
