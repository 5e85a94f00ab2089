// Runs as a process that stands for main: opens a session on a module that hangs in C_Sign, and is killed meanwhile.
import { readFileSync } from 'node:fs'
import { silentLog } from '../../log/logger.ts'
import { createTokenService } from '../service.ts'
import type { KeyReference } from '../token-service.ts'
import { hostEntry, open, requestsFor } from './token-bench.ts'

// The test wrote it.
const input = JSON.parse(readFileSync(0, 'utf8')) as {
  module: string
  environment: Record<string, string>
  key: KeyReference
  pin: string
}
const service = createTokenService({
  node: process.execPath,
  hostEntry,
  modules: [input.module],
  serviceKeysFolder: '/nowhere',
  environment: input.environment,
  log: silentLog,
})
const session = await open(service, input.key, input.pin)
if (!session.ok) throw new Error(session.error.message)
await session.value.signMany(requestsFor(input.key, 1))
