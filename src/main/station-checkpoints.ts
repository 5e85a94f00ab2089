import { existsSync } from 'node:fs'
import { readerOf } from '../../db/database.ts'
import { databaseFailureOf } from '../../db/database-failure.ts'
import type { StationDatabase } from '../../db/open.ts'
import type { AuditState } from '../shared/audit.ts'
import type { Failure } from '../shared/failure.ts'
import { auditSeq } from '../shared/ids.ts'
import { err, type Result } from '../shared/result.ts'
import type { Settings } from '../shared/settings.ts'
import { checkpointFileOf } from './audit/checkpoint-file.ts'
import { type CheckpointKeeper, type CheckpointState, createCheckpointKeeper } from './audit/checkpoint-keeper.ts'
import { createCheckpointer, type WrittenCheckpoint } from './audit/checkpointer.ts'
import { entriesOf } from './audit/entry-search.ts'
import { decodeEntry } from './audit/format/encode.ts'
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from './audit/format/signed-note.ts'
import { isInside, type KeptElsewhere, keptElsewhere } from './audit/kept-elsewhere.ts'
import { type LogKey, openLogKey } from './audit/log-key.ts'
import { createMedia } from './audit/media.ts'
import { checkCheckpoints } from './audit/startup-checkpoint.ts'
import { lastCheckpoint, storedLogKey } from './audit/tree.repository.ts'
import type { Profile } from './config/profile.ts'
import type { Log } from './log/logger.ts'
import type { LogKeyService } from './token/token-service.ts'

export interface StationCheckpoints {
  /** Head, last checkpoint and the file beside the database, each against the others. */
  check(entries: AuditState): Promise<AuditState>
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
  readonly settings: () => Settings
  readonly now: () => Date
  readonly log: Log
  readonly onChange: () => void
  readonly onContradiction: (failure: Failure) => void
}

export function createStationCheckpoints(parts: CheckpointsParts): StationCheckpoints {
  const { profile, tokens, now, log } = parts
  const reader = readerOf(parts.database.db)
  const file = checkpointFileOf(profile.database)
  const media = createMedia()
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

  return {
    check: async (entries) => {
      if (entries.kind !== 'whole') {
        key = await keyOfLog().catch(() => null)
        return entries
      }
      try {
        return (await check()) ?? entries
      } catch (error) {
        const failure = databaseFailureOf(error)
        if (failure === null) throw error
        return { kind: 'unwritable', reason: failure.message }
      }
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
    kept: async () =>
      key === null
        ? { outside: [], beside: null, witnesses: [] }
        : keptElsewhere(reader, profile.database, key, parts.settings(), media),
    insideProfile: async (folders) => {
      for (const folder of folders)
        if ((await media.soon(folder, () => isInside(folder, profile.dir))) === true) return folder
      return null
    },
    end: () => {
      ended = true
      keeper?.end()
    },
    stop: async () => {
      await keeper?.stop()
    },
  }

  function keeperOf(own: LogKey): CheckpointKeeper {
    const checkpointer = createCheckpointer({
      db: parts.database.db,
      key: own,
      file,
      folders: () => parts.settings().checkpointFolders,
      onWarnings: parts.onChange,
      onContradiction: ({ reason }) =>
        parts.onContradiction({ kind: 'invalid', code: 'checkpoint-contradicts', message: reason }),
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
