import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Kysely, Transaction } from 'kysely'
import { z } from 'zod'
import { type Database, readerOf } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import { requestId } from '../../shared/ids.ts'
import {
  type IndexSummary,
  type ReviewSheet,
  type SheetArtifact,
  taskOf,
  type UploadSummary,
} from '../../shared/review-sheet.ts'
import { compareVersions, parseVersion } from '../debian/version.ts'
import type { Spool } from './spool.ts'

// What was signed last, for the next sheet to say what changed. It decides nothing: the log is what was done.

type Last = NonNullable<UploadSummary['last']>
const storedFiles = z.array(z.strictObject({ name: z.string(), size: z.number() }))
const maxNames = 500

/** The last upload of the same source that was signed here, compared with this one. Null: there was none, or this names no source. */
export async function compareWithLastUpload(
  db: Kysely<Database>,
  id: string,
  artifact: SheetArtifact,
): Promise<Last | null> {
  const identity = identityOf(artifact)
  if (identity === null) return null
  const last = await readerOf(db)
    .selectFrom('signed_upload')
    .selectAll()
    .where('source', '=', identity.source)
    .where('request_id', '<>', id)
    .orderBy('signed_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (last === undefined) return null
  const now = new Map(filesOf(artifact).map(({ name, size }) => [withoutVersion(name, identity.version), size]))
  const before = new Map(
    storedFiles.parse(JSON.parse(last.files)).map(({ name, size }) => [withoutVersion(name, last.version), size]),
  )
  const names = (from: ReadonlyMap<string, number>, without: ReadonlyMap<string, number>) =>
    [...from.keys()]
      .filter((name) => !without.has(name))
      .sort()
      .slice(0, maxNames)
  return {
    at: last.signed_at,
    requestId: requestId.parse(last.request_id),
    version: last.version,
    distribution: last.distribution,
    order: orderOf(identity.version, last.version),
    added: names(now, before),
    removed: names(before, now),
    resized: [...now]
      .flatMap(([name, after]) => {
        const size = before.get(name)
        return size === undefined || size === after ? [] : [{ name, before: size, after }]
      })
      .slice(0, maxNames),
  }
}

function identityOf(artifact: SheetArtifact) {
  const changes = artifact.files.find(({ path }) => path === artifact.upload?.changes)?.facts
  if (changes?.kind !== 'upload-document' || changes.faults.length > 0) return null
  const source = changes.source?.split(' ')[0]
  return source === undefined || changes.version === null
    ? null
    : { source, version: changes.version, distribution: changes.distribution ?? '' }
}

function filesOf(artifact: SheetArtifact): readonly { readonly name: string; readonly size: number }[] {
  return artifact.files.map(({ path, size }) => ({ name: path, size }))
}

/** `hello_1.0-1_amd64.deb` and `hello_1.0-2_amd64.deb` are the same file of two versions. */
function withoutVersion(name: string, version: string): string {
  const parsed = parseVersion(version)
  if (parsed === null) return name
  const withoutEpoch = version.replace(/^\d+:/, '')
  const end = [withoutEpoch, parsed.upstream].find((each) => name.includes(`_${each}`))
  return end === undefined ? name : name.replace(`_${end}`, '_…')
}

function orderOf(now: string, before: string): Last['order'] {
  const [a, b] = [parseVersion(now), parseVersion(before)]
  if (a === null || b === null) return 'unknown'
  const order = compareVersions(a, b)
  return order === 0 ? 'same' : order > 0 ? 'newer' : 'older'
}

/** A suite of one server is not that of another. */
function suiteKey(row: Pick<RequestRow, 'server' | 'scope' | 'workspace'>, suite: string): string {
  return JSON.stringify([row.server, row.scope, row.workspace, suite])
}

/** The text of the last `Release` of a suite that was signed here, and when. Null: there was none. */
export async function lastRelease(
  db: Kysely<Database>,
  row: Pick<RequestRow, 'server' | 'scope' | 'workspace'>,
  suite: string,
): Promise<{ readonly text: Uint8Array; readonly summary: NonNullable<IndexSummary['last']> } | null> {
  const last = await readerOf(db)
    .selectFrom('signed_release')
    .selectAll()
    .where('suite', '=', suiteKey(row, suite))
    .executeTakeFirst()
  return last === undefined
    ? null
    : {
        text: last.release,
        summary: { at: last.signed_at, requestId: requestId.parse(last.request_id), date: last.release_date },
      }
}

/** Suites and sources of which something is being signed, and for which request. One process signs with one database: memory is enough. */
const beingSigned = new WeakMap<Kysely<Database>, Map<string, string>>()

/**
 * Taken before anything is signed, at once, and given back when what was signed is remembered: two of one suite or source would both compare
 * with the one before them. What another request has is not taken, and `comparesWithLast` says no.
 */
export function takeTurn(
  db: Kysely<Database>,
  row: Pick<RequestRow, 'server' | 'scope' | 'workspace'>,
  sheet: Pick<ReviewSheet, 'requestId' | 'artifacts'>,
): { end(): void } {
  const turns = beingSigned.get(db) ?? new Map<string, string>()
  beingSigned.set(db, turns)
  const taken = turnsOf(row, sheet).filter((turn) => !turns.has(turn))
  for (const turn of taken) turns.set(turn, sheet.requestId)
  return {
    end: () => {
      for (const turn of taken) turns.delete(turn)
    },
  }
}

function turnsOf(
  row: Pick<RequestRow, 'server' | 'scope' | 'workspace'>,
  { artifacts }: Pick<ReviewSheet, 'artifacts'>,
): readonly string[] {
  const all = artifacts.flatMap((artifact) => {
    const identity = artifact.upload === undefined ? null : identityOf(artifact)
    const { repositoryIndex: index } = artifact
    return [
      ...(index === undefined ? [] : [`suite ${suiteKey(row, index.suite)}`]),
      ...(identity === null ? [] : [`source ${identity.source}`]),
    ]
  })
  return [...new Set(all)]
}

/**
 * Whether a sheet still compares with what was signed last. It can lie in review while another of its suite or source is signed, and would
 * say of an older one that it follows.
 */
export async function comparesWithLast(
  db: Kysely<Database>,
  row: Pick<RequestRow, 'server' | 'scope' | 'workspace'>,
  sheet: Pick<ReviewSheet, 'requestId' | 'artifacts'>,
): Promise<boolean> {
  const { requestId: id, artifacts } = sheet
  const turns = beingSigned.get(db)
  if (turnsOf(row, sheet).some((turn) => (turns?.get(turn) ?? id) !== id)) return false
  for (const artifact of artifacts) {
    const { upload, repositoryIndex: index } = artifact
    if (index !== undefined) {
      const last = await lastRelease(db, row, index.suite)
      if (last?.summary.requestId === index.last?.requestId) continue
      // The same text, signed in another form meanwhile, is no step in any direction.
      if (last === null || hash('sha256', last.text) !== artifact.files[0]?.sha256) return false
    }
    if (upload !== undefined) {
      const last = await compareWithLastUpload(db, id, artifact)
      if (last?.requestId !== upload.last?.requestId) return false
    }
  }
  return true
}

/** The text of the index that a sheet is about. Null: it is about none, or what is in the spool is not what was signed. */
export async function signedText(spool: Pick<Spool, 'pathOf'>, sheet: ReviewSheet): Promise<Uint8Array | null> {
  const file = sheet.artifacts[0]?.files[0]
  if (taskOf(sheet) !== 'signrepositoryindex' || file === undefined) return null
  const bytes = await readFile(spool.pathOf(sheet.requestId, file.ordinal)).catch(() => null)
  return bytes !== null && hash('sha256', bytes) === file.sha256 ? bytes : null
}

/** Remembers what was signed, in the transaction that says that all of it was. `release`: the text of an index. */
export async function rememberSigned(
  trx: Transaction<Database>,
  row: Pick<RequestRow, 'server' | 'scope' | 'workspace'>,
  sheet: ReviewSheet,
  release: Uint8Array | null,
  at: string,
): Promise<void> {
  for (const artifact of sheet.artifacts) {
    const identity = artifact.upload === undefined ? null : identityOf(artifact)
    if (identity !== null) {
      await trx
        .insertInto('signed_upload')
        .values({ request_id: sheet.requestId, ...identity, files: JSON.stringify(filesOf(artifact)), signed_at: at })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
    const facts = artifact.files[0]?.facts
    if (artifact.repositoryIndex === undefined || facts?.kind !== 'release' || release === null) continue
    const values = { request_id: sheet.requestId, release_date: facts.date, release, signed_at: at }
    await trx
      .insertInto('signed_release')
      .values({ suite: suiteKey(row, artifact.repositoryIndex.suite), ...values })
      .onConflict((conflict) => conflict.column('suite').doUpdateSet(values))
      .execute()
  }
}
