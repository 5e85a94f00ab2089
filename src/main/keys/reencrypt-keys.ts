import { createHash } from 'node:crypto'
import { readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { sha256Hex } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { ReencryptionProgress, ReencryptionReport } from '../../shared/service-key.ts'
import { step } from '../app/steps.ts'
import { decodeEntry } from '../audit/format/encode.ts'
import type { AuditEntryOf } from '../audit/format/entry.ts'
import { commitLogKey, type LogKeyRecord, nextLogKeyPath, readLogKey, stageLogKey } from '../audit/log-key.ts'
import type { Resealer, SealedContent, SealedRecord } from '../token/token-service.ts'
import { listKeys, replaceSealed, type StoredKey } from './key.repository.ts'
import { noteServiceKeys, printOf, type ServiceKeyPorts } from './service-key-desk.ts'

export interface Rotation {
  readonly operator: string
  readonly onProgress: (progress: ReencryptionProgress) => void
  /** Aborted: stops between two records. */
  readonly signal: AbortSignal
}

type Entry = AuditEntryOf<'key-reencrypted'>
type Done = 'reencrypted' | 'already'

/**
 * Seals every record of this station to the first service key. What is done is what the records say, and nothing else is kept of a
 * rotation: one that was stopped or killed is gone on with by beginning again. A record that cannot be sealed anew is kept as it is,
 * and the others are gone on with.
 */
export async function reencryptKeys(
  ports: ServiceKeyPorts,
  { operator, onProgress, signal }: Rotation,
): Promise<Result<ReencryptionReport, Failure>> {
  const files = await ports.tokens.listServiceKeys()
  if (!files.ok) return files
  const unsafe = files.value.find(({ publicKey }) => publicKey === null)
  if (unsafe !== undefined) return err(unsafeFolder(unsafe.file, unsafe.problem ?? ''))
  const first = files.value[0]?.publicKey
  if (first === undefined || first === null) return err(noServiceKey(ports.folder))
  const noted = await noteServiceKeys(ports, operator)
  if (!noted.ok) return noted
  const to = Buffer.from(first).toString('base64')
  const report = { reencrypted: 0, already: 0, kept: [] as { name: string; failure: Failure }[] }
  const resealer = ports.tokens.openResealer()
  try {
    const work = await workOf(ports, { resealer, to, operator })
    let done = 0
    for (const { name, run } of work) {
      if (signal.aborted) break
      onProgress({ done, total: work.length })
      const result = await run()
      if (result.ok) report[result.value] += 1
      // Nothing more can be put on record: what follows would be refused the same way.
      else if (result.error.code === 'log-unwritable') return result
      else report.kept.push({ name, failure: result.error })
      done += 1
    }
    onProgress({ done, total: work.length })
    return ok({ to: printOf(to), ...report, stopped: done < work.length })
  } finally {
    resealer.close()
  }
}

interface Task {
  readonly resealer: Resealer
  readonly to: string
  readonly operator: string
}

async function workOf(
  ports: ServiceKeyPorts,
  task: Task,
): Promise<readonly { readonly name: string; readonly run: () => Promise<Result<Done, Failure>> }[]> {
  const keys = (await listKeys(ports.db)).flatMap((key) => {
    const { sealed } = key
    return sealed === null ? [] : [{ name: key.description, run: () => signingKey(ports, task, { key, sealed }) }]
  })
  const logKey = { name: 'Key of the audit log', run: () => keyOfLog(ports, task) }
  const record = readLogKey(ports.logKeyPath)
  return !record.ok && record.error.code === 'log-key-absent' ? keys : [...keys, logKey]
}

async function signingKey(
  { db, audit, now }: ServiceKeyPorts,
  { resealer, to, operator }: Task,
  { key, sealed }: { readonly key: StoredKey; readonly sealed: SealedRecord },
): Promise<Result<Done, Failure>> {
  if (sealed.publicKey === to) return ok('already')
  const holds: SealedContent = { kind: 'private-key', spkiSha256: key.spkiSha256 }
  step('reseal', 'before')
  const anew = await sealedAnew(resealer, { sealed, holds, to })
  if (!anew.ok) return anew
  step('reseal', 'after')
  const written = await writeTransaction(db, async (trx) => {
    if (!(await replaceSealed(trx, key, { from: sealed, to: anew.value, at: now().toISOString() }))) return false
    const { purpose, fingerprint, spkiSha256 } = key
    const what = { what: 'signing-key', purpose, fingerprint, spkiSha256 } as const
    await audit.append(trx, [{ event: 'key-reencrypted', ...what, ...exchanged(sealed, anew.value), operator }])
    return true
  })
  step('reseal-commit', 'after')
  if (!written.ok) return written
  return written.value ? ok('reencrypted') : err(changedMeanwhile)
}

/**
 * The key of the log is a file. The record that takes its place lies beside it first, then the log says so, then they are exchanged:
 * after a kill in between, the record that the log speaks of is found there and put in its place without a second entry.
 */
async function keyOfLog(ports: ServiceKeyPorts, { resealer, to, operator }: Task): Promise<Result<Done, Failure>> {
  const old = readLogKey(ports.logKeyPath)
  if (!old.ok) return old
  const { key, sealed } = old.value
  if (sealed.publicKey === to) return ok('already')
  const holds: SealedContent = { kind: 'log-key', publicKey: key.publicKey }
  const begun = await stagedAndLogged(ports, { old: old.value, to })
  if (begun === null || !(await resealer.check(begun, holds)).ok) {
    step('reseal', 'before')
    const anew = await sealedAnew(resealer, { sealed, holds, to })
    if (!anew.ok) return anew
    step('reseal', 'after')
    const staged = stageLogKey(ports.logKeyPath, { key, sealed: anew.value })
    if (!staged.ok) return staged
    const what = {
      what: 'log-key',
      purpose: null,
      fingerprint: null,
      spkiSha256: sha256Of(Buffer.concat([ed25519Prefix, key.publicKey])),
    } as const
    const written = await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [{ event: 'key-reencrypted', ...what, ...exchanged(sealed, anew.value), operator }]),
    )
    if (!written.ok) return written
  }
  step('log-key-exchange', 'before')
  const committed = commitLogKey(ports.logKeyPath)
  step('log-key-exchange', 'after')
  return committed.ok ? ok('reencrypted') : committed
}

/** The record beside the key's file, if it is the one that the last entry about it announced, and the file was not exchanged yet. */
async function stagedAndLogged(
  ports: ServiceKeyPorts,
  { old, to }: { readonly old: LogKeyRecord; readonly to: string },
): Promise<SealedRecord | null> {
  const next = readLogKey(nextLogKeyPath(ports.logKeyPath))
  if (!next.ok || next.value.sealed.publicKey !== to) return null
  if (Buffer.compare(next.value.key.publicKey, old.key.publicKey) !== 0) return null
  const entry = await lastExchange(ports)
  const { oldBoxSha256, newBoxSha256 } = exchanged(old.sealed, next.value.sealed)
  return entry?.oldBoxSha256 === oldBoxSha256 && entry.newBoxSha256 === newBoxSha256 ? next.value.sealed : null
}

async function lastExchange({ db }: ServiceKeyPorts): Promise<Entry | null> {
  const row = await readerOf(db)
    .selectFrom('audit_entry')
    .select('entry')
    .where('event', '=', 'key-reencrypted')
    .where('fingerprint', 'is', null)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const entry = row === undefined ? null : decodeEntry(row.entry)
  return entry?.ok === true && entry.value.body.event === 'key-reencrypted' ? entry.value.body : null
}

/** Sealed anew, opened by the process that did it, and once more by its own question: it is about to replace the old record. */
async function sealedAnew(
  resealer: Resealer,
  { sealed, holds, to }: { readonly sealed: SealedRecord; readonly holds: SealedContent; readonly to: string },
): Promise<Result<SealedRecord, Failure>> {
  const anew = await resealer.reseal(sealed, holds, to)
  if (!anew.ok) return anew
  if (anew.value.publicKey !== to) return err(sealedElsewhere)
  const checked = await resealer.check(anew.value, holds)
  return checked.ok ? anew : checked
}

function exchanged(from: SealedRecord, to: SealedRecord) {
  return {
    fromServiceKey: printOf(from.publicKey),
    toServiceKey: printOf(to.publicKey),
    oldBoxSha256: sha256Of(Buffer.from(from.encrypted, 'base64')),
    newBoxSha256: sha256Of(Buffer.from(to.encrypted, 'base64')),
  }
}

/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410 §4). */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')

function sha256Of(bytes: Uint8Array) {
  return sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
}

const changedMeanwhile: Failure = {
  kind: 'unavailable',
  code: 'key-changed-meanwhile',
  message: 'The sealed record was changed by somebody else meanwhile. It was left alone. Begin again.',
}
const sealedElsewhere: Failure = {
  kind: 'defect',
  code: 'sealed-elsewhere',
  message:
    'The new record is sealed with another service key than the one that was asked for. The old record was kept.',
}
function unsafeFolder(file: string, problem: string): Failure {
  return {
    kind: 'refused',
    code: 'service-key-unsafe',
    message: `The service key ${file} ${problem}. Nothing was sealed anew. It must be a file of 32 octets, mode 0600, that belongs to this user.`,
  }
}
function noServiceKey(folder: string): Failure {
  return {
    kind: 'unavailable',
    code: 'service-keys-absent',
    message: `There is no service key in ${folder}, so nothing can be sealed anew. Make one, or put the folder back from its backup.`,
  }
}
