import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { makeServerCertificate } from './certificates.ts'
import { startSandboxServer } from './sandbox-server.ts'
import { loadRecording } from './testing/recording.ts'
import { replay } from './testing/replay.ts'

const certificate = await makeServerCertificate()

const names = readdirSync(new URL('testdata', import.meta.url))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))

test('there are recordings of both versions', () => {
  expect(names.filter((name) => name.endsWith('.0.11.3')).length).toBeGreaterThan(20)
  expect(names.filter((name) => name.endsWith('.0.16.2')).length).toBeGreaterThan(20)
})

test.for(names)('answers %s as the real server did', async (name) => {
  const dialect = name.endsWith('.0.11.3') ? '0.11' : '0.16'
  const sandbox = await startSandboxServer({ certificate, dialect })
  try {
    expect(await replay(loadRecording(name), sandbox)).toEqual([])
  } finally {
    await sandbox.stop()
  }
})

test('finds a difference where there is one', async () => {
  const recording = loadRecording('probe-whoami.0.16.2')
  const sandbox = await startSandboxServer({ certificate, dialect: '0.11' })
  try {
    const differences = await replay(recording, sandbox)
    expect(differences.length).toBeGreaterThan(0)
    expect(differences[0]).toMatch(/whoami/)
  } finally {
    await sandbox.stop()
  }
})

test.for([
  ['sign-uefi.0.16.2', []],
  ['sign-uefi-two-artifacts.0.16.2', []],
  ['sign-no-permission.0.16.2', []],
  ['generate-key-uefi.0.16.2', []],
  // The real worker of 0.11.3 follows a redirect each time it reads an artifact.
  ['sign-uefi.0.11.3', ['slash-missing']],
] as const)('holds nothing against the real worker in %s but what it really did', async ([name, codes]) => {
  const sandbox = await startSandboxServer({ certificate, dialect: name.endsWith('.0.11.3') ? '0.11' : '0.16' })
  try {
    await replay(loadRecording(name), sandbox)
    expect(sandbox.record.violations.map((violation) => violation.code)).toEqual(codes)
  } finally {
    await sandbox.stop()
  }
})
