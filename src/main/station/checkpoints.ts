import { existsSync } from 'node:fs'
import { readerOf } from '../../../db/database.ts'
import { databaseFailureOf } from '../../../db/database-failure.ts'
import type { StationDatabase } from '../../../db/open.ts'
import type { AuditState, OpenContradiction } from '../../shared/audit.ts'
import type { Failure } from '../../shared/failure.ts'
import { auditSeq } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Settings } from '../../shared/settings.ts'
import { checkpointFileOf, readCheckpointFile } from '../audit/checkpoint-file.ts'
import { standingOf } from '../audit/checkpoint-history.ts'
import { type CheckpointKeeper, type CheckpointState, createCheckpointKeeper } from '../audit/checkpoint-keeper.ts'
import { createCheckpointer, type WrittenCheckpoint } from '../audit/checkpointer.ts'
import type { Evidence } from '../audit/contradiction.ts'
import { createContradictions } from '../audit/contradictions.ts'
import { entriesOf } from '../audit/entry-search.ts'
import { openCheckpoint } from '../audit/format/checkpoint.ts'
import { decodeEntry } from '../audit/format/encode.ts'
import type { AuditEntryOf } from '../audit/format/entry.ts'
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from '../audit/format/signed-note.ts'
import { isInside, type KeptElsewhere, keptElsewhere } from '../audit/kept-elsewhere.ts'
import { type LogKey, openLogKey } from '../audit/log-key.ts'
import { checkCheckpoints } from '../audit/startup-checkpoint.ts'
import { lastCheckpoint, storedLogKey } from '../audit/tree.repository.ts'
import type { Profile } from '../config/profile.ts'
import type { Log } from '../log/logger.ts'
import type { MediaProcess } from '../media/folder-process.ts'
import { createMedia } from '../media/media.ts'
import type { LogKeyService } from '../token/token-service.ts'

export interface StationCheckpoints {
  /**
   * Head, last checkpoint and the file beside the database, each against the others; and whether a contradiction was found, now or
   * at any time before, that no person has closed.
   */
  check(entries: AuditState): Promise<AuditState>
  /** A checkpoint that contradicts the log was found somewhere: recorded for good, then the station is for reading only. */
  contradictedBy(evidence: Evidence): Promise<void>
  /** What `check` found, or what came since. */
  contradictions(): readonly OpenContradiction[]
  /** The entry that closes one. Refused while the log itself is not whole (`entries`: what its check says). */
  closing(
    id: string,
    reason: string,
    operator: string,
    entries: AuditState,
  ): Promise<Result<AuditEntryOf<'contradiction-closed'>, Failure>>
  /** Signs from now on, if there is a key to sign with. After `check` found the log whole. */
  begin(): Promise<void>
  /** Entries came. */
  soon(): void
  write(): Promise<Result<WrittenCheckpoint, Failure>>
  /** Null: the log has no key. */
  key(): VerifierKey | null
  state(): CheckpointState | null
  /** What is kept of this log outside its database, folder by folder, with what is silent left out. */
  kept(): Promise<KeptElsewhere>
  /** The first of these folders that lies in the profile folder: what comes and goes with the database is no copy. */
  insideProfile(folders: readonly string[]): Promise<string | null>
  /** The log was found not to be whole: nothing is signed for it any more. */
  end(): void
  stop(): Promise<void>
}

export interface CheckpointsParts {
  readonly database: StationDatabase
  readonly profile: Profile
  readonly tokens: LogKeyService
  /** What reads and writes the operator's folders. */
  readonly media: MediaProcess
  readonly settings: () => Settings
  readonly now: () => Date
  readonly log: Log
  readonly onChange: () => void
  /** `failure` says why. After it the station adds nothing to the log. */
  readonly onContradiction: (failure: Failure) => void
}

export function createStationCheckpoints(parts: CheckpointsParts): StationCheckpoints {
  const { profile, tokens, now, log } = parts
  const reader = readerOf(parts.database.db)
  const file = checkpointFileOf(profile.database)
  const media = createMedia(parts.media)
  const contradictions = createContradictions(parts.database.db, profile.database, now)
  let open: readonly OpenContradiction[] = []
  let ended = false
  let key: VerifierKey | null = null
  let keeper: CheckpointKeeper | null = null
  let last: { readonly size: number; readonly at: string } | null = null
  /** Why nothing can be signed although the log has a key. */
  let sealed: Failure | null = null

  async function keyOfLog(): Promise<VerifierKey | null> {
    const vkey = await storedLogKey(reader)
    const parsed = vkey === null ? null : parseVerifierKey(vkey)
    return parsed?.ok === true ? parsed.value : null
  }

  async function check(): Promise<AuditState | null> {
    const stored = await storedLogKey(reader)
    const contradiction = await contradictedKey(stored)
    if (contradiction !== null) return contradiction
    const own = openLogKey(profile.logKey, tokens)
    key = await keyOfLog()
    last = await lastCheckpoint(reader)
    // A log that was never signed for, and nothing beside it says otherwise.
    if (stored === null && !existsSync(file)) return null
    // The file's own key first: one that is exchanged in the database is found by it.
    const trusted = own.ok ? own.value.key : key
    return trusted === null ? unexplained : checkCheckpoints(reader, trusted, file)
  }

  /** The log itself says which key signs for it: taking the key out of its table, and the checkpoints with it, is seen. */
  async function contradictedKey(stored: string | null): Promise<AuditState | null> {
    const created = await entriesOf(reader, 'event', 'log-key-created')
    const rows = await reader
      .selectFrom('audit_entry')
      .select(['seq', 'entry'])
      // Where a station is made with its key, that is the second entry: found by its number, whatever the index says.
      .where('seq', 'in', [2, ...created.slice(0, 2)])
      .orderBy('seq')
      .execute()
    for (const row of rows) {
      const entry = decodeEntry(row.entry)
      if (entry.ok && entry.value.body.event === 'log-key-created' && entry.value.body.vkey !== stored)
        return {
          kind: 'broken',
          firstBadSeq: auditSeq.parse(row.seq),
          reason: `Entry ${row.seq} says that checkpoints of this log are signed by a key that the database does not have any more. The station opens for reading only. Keep a copy of the database and find out who had access.`,
        }
    }
    return null
  }

  /** The log as it is here, whatever was found at other places. */
  async function checkHere(entries: AuditState): Promise<AuditState> {
    if (entries.kind !== 'whole') {
      key = await keyOfLog().catch(() => null)
      return entries
    }
    const found = (await check()) ?? entries
    if (found.kind === 'broken') await recordBeside()
    return found
  }

  /** The file beside the database goes with the next copy that is put back; what it says now is kept. */
  async function recordBeside(): Promise<void> {
    const beside = key === null ? null : readCheckpointFile(file, key)
    if (beside?.kind !== 'kept') return
    const how = await standingOf(reader, beside.signed)
    if (how !== 'contained' && how !== 'closed')
      await record({ path: file, note: beside.text, signed: beside.signed, how })
  }

  /** Before anything is waited for, it is on disk. */
  async function record(evidence: Evidence): Promise<void> {
    const recorded = await contradictions.record(evidence)
    if (!recorded.ok) log('checkpoint.contradiction-not-recorded', { path: evidence.path, detail: recorded.error })
    const found = await contradictions.open(key)
    if (found.ok) open = found.value
  }

  async function contradictedBy(evidence: Evidence): Promise<void> {
    const recorded = record(evidence)
    parts.onContradiction({ kind: 'invalid', code: 'checkpoint-contradicts', message: reasonOf(evidence.path) })
    await recorded
  }

  /** Each checkpoint that was read, held against the log: the window asks for a verdict, and this is one for good. */
  async function confront(kept: readonly { readonly path: string; readonly text: string }[]): Promise<void> {
    for (const { path, text } of kept) {
      const signed = key === null ? null : openCheckpoint(text, key)
      if (signed?.ok !== true) continue
      const how = await standingOf(reader, signed.value)
      if (how !== 'contained' && how !== 'closed') await contradictedBy({ path, note: text, signed: signed.value, how })
    }
  }

  return {
    check: async (entries) => {
      try {
        const here = await checkHere(entries)
        const found = await contradictions.open(key)
        if (!found.ok)
          return here.kind === 'whole' ? { kind: 'contradicted', reason: `${found.error} ${unreadableRecord}` } : here
        open = found.value
        const [first] = open
        return first === undefined || here.kind !== 'whole'
          ? here
          : { kind: 'contradicted', reason: `${first.sentence} ${whatToClose}` }
      } catch (error) {
        const failure = databaseFailureOf(error)
        if (failure === null) throw error
        return { kind: 'unwritable', reason: failure.message }
      }
    },
    contradictedBy,
    contradictions: () => open,
    closing: async (id, reason, operator, entries) => {
      const shown = open.find((each) => each.id === id)
      const record = await contradictions.find(id)
      if (shown === undefined || record === null) return err(noSuchContradiction)
      const here = await checkHere(entries)
      if (here.kind !== 'whole') return err(notWhole(here.reason))
      const { foundAt, path, size, note } = record
      return ok({
        event: 'contradiction-closed',
        contradiction: record.id,
        foundAt,
        path,
        size,
        contained: shown.isContained,
        checkpoint: note,
        reason,
        operator,
      })
    },
    begin: async () => {
      key = await keyOfLog()
      if (key === null || keeper !== null || ended) return
      const own = openLogKey(profile.logKey, tokens)
      if (!own.ok) {
        log('checkpoint.no-key', { code: own.error.code, detail: own.error.detail })
        sealed = own.error
        return
      }
      sealed = null
      keeper = keeperOf(own.value)
    },
    soon: () => keeper?.soon(),
    write: async () => (keeper === null ? err(sealed ?? noKey) : keeper.now()),
    key: () => key,
    state: () => {
      if (key === null) return null
      return (
        keeper?.state() ?? {
          size: last?.size ?? 0,
          at: last?.at ?? null,
          warnings: sealed === null ? [] : [withoutDetail(sealed)],
        }
      )
    },
    kept: async () => {
      if (key === null) return { outside: [], beside: null, witnesses: [] }
      const kept = await keptElsewhere(reader, profile.database, key, parts.settings(), media)
      await confront([...kept.outside, ...(kept.beside === null ? [] : [kept.beside])])
      return kept
    },
    insideProfile: async (folders) => {
      for (const folder of folders)
        if ((await media.soon(folder, (at) => isInside(at, profile.dir))) === true) return folder
      return null
    },
    end: () => {
      ended = true
      keeper?.end()
    },
    stop: async () => {
      await keeper?.stop()
      media.close()
    },
  }

  function keeperOf(own: LogKey): CheckpointKeeper {
    const checkpointer = createCheckpointer({
      db: parts.database.db,
      key: own,
      file,
      folders: () => parts.settings().checkpointFolders,
      onWarnings: parts.onChange,
      onContradiction: ({ reason, evidence }) => {
        const recorded = evidence === undefined ? null : record(evidence)
        parts.onContradiction({ kind: 'invalid', code: 'checkpoint-contradicts', message: reason })
        void recorded?.then(parts.onChange, (error: unknown) => log('checkpoint.defect', { error }))
      },
      media,
      now,
    })
    return createCheckpointKeeper({
      checkpointer,
      last,
      after: (ms, then) => {
        const timer = setTimeout(then, ms)
        return () => clearTimeout(timer)
      },
      now,
      onChange: parts.onChange,
      onDefect: (error) => log('checkpoint.defect', { error, vkey: formatVerifierKey(own.key) }),
      onContradiction: parts.onContradiction,
    })
  }
}

function withoutDetail({ kind, code, message }: Failure): Failure {
  return { kind, code, message }
}

function reasonOf(path: string): string {
  return `The checkpoint from ${path} is signed by the key of this log and is not of it. ${whatToClose}`
}

const whatToClose =
  'The station is for reading only, whether or not the medium is there. Keep the checkpoint and a copy of the database, and find out who had access. Put the newest copy of the profile back if an older one was put in its place. Then close this on the Audit log screen, with the reason; the log records it.'
const unreadableRecord =
  'The station opens for reading only. Keep the file and a copy of the database, and find out who changed it; put both back from the newest copy of the profile.'

const noSuchContradiction: Failure = {
  kind: 'refused',
  code: 'no-such-contradiction',
  message: 'There is no open contradiction of this name: it was closed, or the list is older. Nothing was recorded.',
}

function notWhole(reason: string): Failure {
  return {
    kind: 'refused',
    code: 'log-not-trusted',
    message: `Nothing was closed: the log that is here is not whole itself, so nothing is added to it. ${reason}`,
  }
}

/** Its key is gone as well, so it cannot even be said what the checkpoint is for. */
const unexplained: AuditState = {
  kind: 'broken',
  firstBadSeq: 1,
  reason:
    'Beside the database lies a checkpoint, and neither the database nor the profile folder has the key of its log: the database is an older copy, or another one. The station opens for reading only. Put the newest copy of the whole folder back.',
}

const noKey: Failure = {
  kind: 'refused',
  code: 'log-key-absent',
  message: 'The log of this station has no key, so no checkpoint can be signed. Make the key of the log first.',
}
