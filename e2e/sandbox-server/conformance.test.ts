import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadRecording } from './recording.ts'
import { replay } from './replay.ts'
import { startSandboxServer } from './sandbox-server.ts'

const names = readdirSync(new URL('testdata', import.meta.url))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))

test('there are recordings of both versions', () => {
  expect(names.filter((name) => name.endsWith('.0.11.3')).length).toBeGreaterThan(20)
  expect(names.filter((name) => name.endsWith('.0.16.2')).length).toBeGreaterThan(20)
})

test.for(names)('answers %s as the real server did', async (name) => {
  const dialect = name.endsWith('.0.11.3') ? '0.11' : '0.16'
  const sandbox = await startSandboxServer({ dialect })
  try {
    expect(await replay(loadRecording(name), sandbox)).toEqual([])
  } finally {
    await sandbox.stop()
  }
})
