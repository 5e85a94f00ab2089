import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { err, ok, type Result } from '../../../shared/result.ts'
import { generateServiceKey } from '../../keys/software/service-keys.ts'
import { fromHost } from '../../token/failures.ts'
import { makeLogKey, signCheckpoint } from '../../token/host/log-key.ts'
import { failureOf } from '../../token/host/pkcs11-error.ts'
import type { TokenFailure } from '../../token/token-service.ts'
import type { LogSigner } from '../log-key.ts'

/** What the token process does for the key of a log, in this process, over a folder with a service key of its own. */
export function logSignerAt(folder: string, name = 'service.key'): LogSigner {
  mkdirSync(folder, { recursive: true })
  generateServiceKey(join(folder, name))
  return {
    makeLogKey: async () => answer(() => makeLogKey(folder)),
    signCheckpoint: async ({ sealed, publicKey }, text) =>
      answer(() => signCheckpoint(folder, sealed, publicKey, text)),
  }
}

function answer<T>(work: () => T): Result<T, TokenFailure> {
  try {
    return ok(work())
  } catch (error) {
    return err(fromHost(failureOf(error)))
  }
}
