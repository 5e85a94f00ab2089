import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Sha256Hex } from '../../shared/ids.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { ServiceKey, ServiceKeyList } from '../../shared/service-key.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { type LogSigner, readLogKey } from '../audit/log-key.ts'
import { serviceKeyFingerprint } from '../token/service-key-fingerprint.ts'
import type { ServiceKeyKeeper } from '../token/token-service.ts'
import { listKeys } from './key.repository.ts'
import { loggedServiceKeys, noteFoundServiceKeys } from './service-key-log.ts'

export interface ServiceKeyPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: ServiceKeyKeeper & LogSigner
  /** Where the service keys are looked for, for people to read. */
  readonly folder: string
  /** File of the log's key. */
  readonly logKeyPath: string
  readonly now: () => Date
}

/** A sealed record of this station, and the service key that opens it. */
export interface Sealed {
  readonly name: string
  readonly serviceKey: Sha256Hex
}

/** Every record that is sealed with a service key: software keys, then the key of the log. */
export async function sealedRecords({ db, logKeyPath }: Pick<ServiceKeyPorts, 'db' | 'logKeyPath'>): Promise<Sealed[]> {
  const keys = (await listKeys(db)).flatMap(({ description, sealed }) =>
    sealed === null ? [] : [{ name: description, serviceKey: printOf(sealed.publicKey) }],
  )
  const logKey = readLogKey(logKeyPath)
  return logKey.ok
    ? [...keys, { name: 'Key of the audit log', serviceKey: printOf(logKey.value.sealed.publicKey) }]
    : keys
}

/** What is in the folder, how much each opens, and which service keys are needed and absent. */
export async function listServiceKeys(ports: ServiceKeyPorts): Promise<Result<ServiceKeyList, Failure>> {
  const files = await ports.tokens.listServiceKeys()
  if (!files.ok) return files
  const records = await sealedRecords(ports)
  let first = true
  const keys = files.value.map(({ file, publicKey, problem }): ServiceKey => {
    if (publicKey === null) return { file, fingerprint: null, problem, encrypts: false, opens: 0 }
    const print = serviceKeyFingerprint(publicKey)
    const encrypts = first
    first = false
    const opens = records.filter(({ serviceKey }) => serviceKey === print).length
    return { file, fingerprint: print, problem: null, encrypts, opens }
  })
  const here = new Set(keys.map(({ fingerprint }) => fingerprint))
  const absent = new Map<Sha256Hex, string[]>()
  for (const { name, serviceKey } of records) {
    if (here.has(serviceKey)) continue
    absent.set(serviceKey, [...(absent.get(serviceKey) ?? []), name])
  }
  return ok({
    folder: ports.folder,
    keys,
    absent: [...absent].map(([print, opens]) => ({ fingerprint: print, opens })),
    waiting: records.filter(({ serviceKey }) => serviceKey !== keys.find(({ encrypts }) => encrypts)?.fingerprint)
      .length,
  })
}

/**
 * Makes a service key that encrypts from now on. Its file is there before the entry: if the program dies between the two, the next
 * rotation enters it as found.
 */
export async function addServiceKey(
  ports: ServiceKeyPorts,
  operator: string,
): Promise<Result<{ readonly file: string; readonly fingerprint: Sha256Hex }, Failure>> {
  const made = await ports.tokens.makeServiceKey()
  if (!made.ok) return made
  const serviceKey = serviceKeyFingerprint(made.value.publicKey)
  const { file } = made.value
  const written = await writeTransaction(ports.db, (trx) =>
    ports.audit.append(trx, [{ event: 'service-key-added', serviceKey, file, how: 'made', operator }]),
  )
  return written.ok ? ok({ file, fingerprint: serviceKey }) : written
}

/** Enters the service keys of the folder that the log does not name yet. */
export async function noteServiceKeys(ports: ServiceKeyPorts, operator: string): Promise<Result<null, Failure>> {
  const files = await ports.tokens.listServiceKeys()
  if (!files.ok) return files
  const written = await writeTransaction(ports.db, async (trx) => {
    const known = await loggedServiceKeys(readerOf(trx))
    await noteFoundServiceKeys(trx, ports.audit, { files: files.value, known, operator })
  })
  return written.ok ? ok(null) : written
}

export function printOf(publicKey: string): Sha256Hex {
  return serviceKeyFingerprint(Buffer.from(publicKey, 'base64'))
}
