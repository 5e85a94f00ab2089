import {
  generateNextServiceKey,
  maxServiceKeys,
  readServiceKeys,
  seeServiceKeys,
  wipeServiceKeys,
} from '../../keys/software/service-keys.ts'
import type { HostAnswer } from '../protocol.ts'
import { HostError } from './pkcs11-error.ts'

/** What is in the folder, file by file; no secret half leaves this process. */
export function listServiceKeys(folder: string): HostAnswer<'list-service-keys'> {
  return seeServiceKeys(folder)
    .slice(0, 1024)
    .map(({ file, publicKey, problem }) => ({ file, publicKey, problem }))
}

/**
 * Makes a service key that comes first in sort order, so that it encrypts from now on. Refused where one that is there is not safe:
 * the new one would be as unusable as the others, since the folder is taken whole or not at all.
 */
export function makeServiceKey(folder: string): HostAnswer<'make-service-key'> {
  const there = readServiceKeys(folder)
  if (there.ok) wipeServiceKeys(there.value)
  if (!there.ok && there.error.code !== 'service-keys-absent')
    throw new HostError('service-key-unsafe', there.error.detail ?? there.error.code)
  if (there.ok && there.value.length >= maxServiceKeys)
    throw new HostError('service-key-unsafe', `there are ${maxServiceKeys} already, and no more are read`)
  const made = generateNextServiceKey(folder)
  if (!made.ok) throw new HostError('service-key-unwritable', made.error.detail ?? made.error.code)
  return made.value
}
