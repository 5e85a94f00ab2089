import { readerOf } from '../../../db/database.ts'
import type { StationDatabase } from '../../../db/open.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { AuditState } from '../../shared/audit.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Settings } from '../../shared/settings.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { createAuditLog } from '../audit/create-audit-log.ts'
import { createEntryIndexer } from '../audit/entry-index.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import { isWitnessKey } from '../audit/format/signed-note.ts'
import { startupCheck } from '../audit/startup-check.ts'
import { startWholeCheck, type WholeCheck } from '../audit/whole-check.ts'
import type { Profile } from '../config/profile.ts'
import { calmed, systemClock } from '../debusine/clock.ts'
import { createTokenFile } from '../debusine/token-file.ts'
import { createKeyMaker, type KeyMaker } from '../keys/key-maker.ts'
import { createKeyRegistry, type KeyRegistry } from '../keys/key-registry.ts'
import type { TrustStore } from '../pki/attestation/trust-store.ts'
import { createDesk, type Desk } from '../requests/desk.ts'
import { spoolAt } from '../requests/spool.ts'
import { standingRules } from '../requests/standing/standing-rules.ts'
import { createWaitingDesk, type WaitingDesk } from '../requests/waiting/waiting-desk.ts'
import { createServerLink, type ServerLink } from '../server-link/server-link.ts'
import { changedFields, readSetting, readSettings, writeSetting, writeSettings } from '../settings/settings-store.ts'
import { createStationCeremonies, type StationCeremonies } from './ceremonies.ts'
import { createStationCheckpoints, type StationCheckpoints } from './checkpoints.ts'
import { createStationDeviceLog, type StationDeviceLog } from './device-log.ts'
import { noFolderInside, notEnrolledYet, noWitness } from './failures.ts'
import { addLogKey } from './log-key.ts'
import { createModuleChoice } from './modules.ts'
import type { StationParts, StationTokens } from './parts.ts'
import { every } from './rounds.ts'
import { createStationRunLogs, type StationRunLogs } from './run-logs.ts'
import { createLogTrust } from './trust.ts'

/** An opened station: its database, its log, its keys, its server, and the desk where requests are worked on. */
export interface Station {
  readonly database: StationDatabase
  readonly audit: AuditLog
  readonly keys: KeyRegistry
  readonly keyMaker: KeyMaker
  readonly desk: Desk
  /** What waits for the person at the desk, answered with their API token. */
  readonly waiting: WaitingDesk
  readonly link: ServerLink
  readonly profile: Profile
  readonly tokens: StationTokens
  readonly shippedRoots: TrustStore
  /** What the last check found. Anything but `whole`: the station is for reading only, until it is started with a whole log. */
  readonly logState: AuditState
  /** Reads the whole log. If it is not whole, nothing more is signed, fetched or written: the check at start may see its ends only. */
  checkLog(): Promise<AuditState>
  readonly settings: () => Settings
  saveSettings(next: Settings): Promise<Result<null, Failure>>
  setDuty(onDuty: boolean): Promise<Result<null, Failure>>
  /** Signs for what is in the log. */
  readonly checkpoints: StationCheckpoints
  /**
   * A person says why the station may go on although a checkpoint contradicted its log: an entry of the log, and the only way. It works
   * again from its next start.
   */
  closeContradiction(id: string, reason: string): Promise<Result<null, Failure>>
  /** The logs of YubiHSMs, held against ours. */
  readonly deviceLog: StationDeviceLog
  /** Takes those logs out of the devices. */
  readonly runLogs: StationRunLogs
  readonly ceremonies: StationCeremonies
  /** The explicit act for a station that is older than log keys. */
  createLogKey(): Promise<Result<null, Failure>>
  /** Writes entries that stand for themselves. */
  note(entries: readonly AuditEntryBody[]): Promise<Result<null, Failure>>
  /** Tokens or keys may have changed: what the server is offered follows. */
  keysChanged(): void
  close(): Promise<void>
}

/** Seconds between two questions whether the server still waits for what a person is reading. */
const watchSeconds = 5
/** Seconds between two looks at which keys could sign, for what the server is told. */
const offerSeconds = 30
/** Milliseconds between two looks for the keys that requests wait for. */
const awaitedMs = 2_000

export async function openStation(database: StationDatabase, parts: StationParts): Promise<Station> {
  const { db } = database
  const { profile, tokens, now, log, publish } = parts
  const checkpoints = createStationCheckpoints({
    database,
    profile,
    tokens,
    media: parts.media,
    settings: () => current,
    now,
    log,
    onChange: parts.onStatus,
    onContradiction: (failure) => {
      void trust.contradicted(failure).catch((error: unknown) => log('audit.check-failed', { error }))
    },
  })
  const first = await checkpoints.check(await startupCheck(readerOf(db)))
  let current = await readSettings(readerOf(db))
  const settings = () => current
  const useModules = createModuleChoice(tokens, parts.yubihsm)
  await useModules(current)

  const written = createAuditLog(db, now)
  const index = createEntryIndexer(db, (error) => log('audit.not-indexed', { error }))
  // Every append is announced, whoever made it.
  const audit: AuditLog = {
    ...written,
    append: async (trx, entries) => {
      const seqs = await written.append(trx, entries)
      const last = seqs.at(-1)
      if (last !== undefined) {
        publish('audit.changed', { entries: last })
        index.touch(seqs.length)
      }
      checkpoints.soon()
      return seqs
    },
  }
  const timers: NodeJS.Timeout[] = []
  const trust = createLogTrust({
    first,
    checkpoints,
    check: () => audit.check(),
    note,
    operator: () => current.operatorName,
    log,
    onStatus: parts.onStatus,
    endChanges: async () => {
      for (const timer of timers) clearInterval(timer)
      await index.close()
      await desk.stop()
      await link.setDuty(false)
    },
  })
  const keys = createKeyRegistry({
    db,
    audit,
    tokens,
    opensSealed: (sealed) => tokens.opensSealed(sealed),
    now,
    mayWrite: () => trust.isTrusted(),
  })
  const keyMaker = createKeyMaker({ db, audit, tokens, shippedRoots: parts.shippedRoots, now, publish })
  let usable: readonly RegisteredKey[] = []
  const link = createServerLink({
    tokenStore: createTokenFile(profile.workerToken),
    settings,
    serveable: async () => {
      usable = (await keys.list()).filter((key) => key.usableNow)
      return {
        keys: usable.map(({ purpose, fingerprint }) => ({ purpose, fingerprint })),
        generatesKeys: current.keyRequests.accept,
      }
    },
    onRing: (apiUrl) => lookForWork(apiUrl),
    onChange: parts.onStatus,
    version: parts.version,
    now,
    log,
  })
  const deviceLog = createStationDeviceLog({
    db,
    append: (trx, entries) => audit.append(trx, entries),
    isTrusted: () => trust.isTrusted(),
    operator: () => current.operatorName,
    now,
    onChange: parts.onStatus,
  })
  const runLogs = createStationRunLogs({
    db,
    reader: parts.deviceLogReader,
    deviceLog,
    now,
    log,
    onChange: () => publish('tokens.changed', null),
  })
  const userTokenFile = profile.userToken
  const keysChanged = () => {
    publish('keys.changed', null)
    link.offerSoon()
  }
  const ceremonies = createStationCeremonies(parts, { db, audit, keys, checkpoints, settings, keysChanged })
  const desk = createDesk({
    db,
    audit,
    tokens,
    keys,
    keyMaker,
    runLogs,
    inspector: parts.inspector,
    signer: parts.signer,
    spool: spoolAt(profile.spool),
    sbatLevel: parts.sbatLevel,
    settings,
    serverAt: (apiUrl) => link.at(apiUrl),
    userSession: { settings, userTokenFile, log },
    checkpoint: async () => {
      if (checkpoints.key() === null) return
      const written = await checkpoints.write()
      // The result is returned without it: what is signed is signed. The status says why.
      if (!written.ok) log('checkpoint.not-signed', { code: written.error.code, detail: written.error.detail })
    },
    standing: standingRules(parts.standing),
    say: (workRequestId, line) => link.say(workRequestId, line),
    publish: (event, payload) => {
      publish(event, payload)
      if (event === 'requests.changed') parts.onStatus()
    },
    now,
    log,
  })

  const waiting = createWaitingDesk({ db, audit, settings, userTokenFile, mayWrite: () => trust.isTrusted(), now, log })

  function lookForWork(apiUrl: string): void {
    desk.lookForWork(apiUrl).then(
      (looked) => {
        if (!looked.ok) log('requests.fetch-failed', { code: looked.error.code, detail: looked.error.detail })
      },
      (error: unknown) => log('requests.look-defect', { error }),
    )
  }

  async function note(entries: readonly AuditEntryBody[]): Promise<Result<null, Failure>> {
    const noted = await writeTransaction(db, (trx) => audit.append(trx, entries))
    return noted.ok ? ok(null) : noted
  }

  /** Requests whose key is not here go on by themselves when it is; a device that comes and goes makes them try every few seconds. */
  const awaited = calmed(systemClock, awaitedMs, () => {
    if (trust.isTrusted()) desk.keysMayBeBack().catch((error: unknown) => log('requests.key-look-defect', { error }))
  })

  async function wrongSettings(fields: readonly string[], next: Settings): Promise<Failure | null> {
    // A key that is none would be waited for without a word.
    if (!next.witnesses.every(isWitnessKey)) return noWitness
    const inside = fields.includes('checkpointFolders') ? await checkpoints.insideProfile(next.checkpointFolders) : null
    return inside === null ? null : noFolderInside(inside)
  }

  /** One at a time: a second key would take the first one's place while the log already names it. */
  let makingKey: Promise<unknown> = Promise.resolve()
  async function makeLogKey(): Promise<Result<null, Failure>> {
    const made = await addLogKey({ profile, tokens, version: parts.version, now }, database, audit, current)
    if (!made.ok) return made
    await checkpoints.begin()
    checkpoints.soon()
    parts.onStatus()
    return ok(null)
  }

  let wholeCheck: WholeCheck | null = null
  const found = trust.state()
  if (found.kind === 'whole') {
    const failed = (error: unknown) => log('audit.check-failed', { error })
    wholeCheck = startWholeCheck(readerOf(db), found.entries, (state) => trust.distrust(state), failed)
    await checkpoints.begin()
    await note([{ event: 'station-started', version: parts.version, previousHead: found.head }])
    await link.reconnect()
    const settled = await keyMaker.recover()
    if (!settled.ok) log('generation.not-recovered', { code: settled.error.code, detail: settled.error.detail })
    await desk.recover()
    // Behind the start: a server may take a minute to say nothing.
    void waiting.settle()
  }
  // Asked again: what a medium tells may have come meanwhile.
  if (trust.isTrusted()) {
    if ((await readSetting(readerOf(db), 'duty')) === true) await link.setDuty(true)
    timers.push(
      every(
        watchSeconds,
        () => desk.watchHeld(),
        (error) => log('requests.watch-failed', { error }),
      ),
      every(
        offerSeconds,
        async () => {
          awaited.call()
          await link.offer()
        },
        (error) => log('server.offer-failed', { error }),
      ),
    )
  }

  return {
    database,
    audit,
    keys,
    keyMaker,
    desk,
    waiting,
    link,
    profile,
    tokens,
    shippedRoots: parts.shippedRoots,
    get logState() {
      return trust.state()
    },
    checkpoints,
    settings,
    note,
    deviceLog,
    runLogs,
    ceremonies,
    createLogKey: () => {
      const next = makingKey.then(makeLogKey)
      makingKey = next.catch(() => null)
      return next
    },
    closeContradiction: (id, reason) => trust.closeContradiction(id, reason),
    saveSettings: async (next) => {
      const fields = changedFields(current, next)
      if (fields.length === 0) return ok(null)
      const wrong = await wrongSettings(fields, next)
      if (wrong !== null) return err(wrong)
      const saved = await writeTransaction(db, async (trx) => {
        await writeSettings(trx, next, now().toISOString())
        await audit.append(trx, [{ event: 'settings-changed', fields: [...fields], operator: current.operatorName }])
      })
      if (!saved.ok) return saved
      const serverChanged = fields.some((field) => field.startsWith('server.'))
      current = next
      publish('settings.changed', null)
      if (fields.some((field) => field === 'modules' || field.startsWith('yubihsm.'))) {
        await useModules(next)
        publish('tokens.changed', null)
      }
      if (serverChanged) await link.reconnect()
      else if (fields.includes('keyRequests')) await link.offer()
      parts.onStatus()
      return ok(null)
    },
    checkLog: async () => {
      const found = await audit.check()
      await trust.distrust(found)
      return found
    },
    setDuty: async (onDuty) => {
      if (onDuty === link.onDuty()) return ok(null)
      const status = link.status()
      if (onDuty && (status.kind === 'not-configured' || status.kind === 'not-enrolled')) return err(notEnrolledYet)
      const saved = await writeTransaction(db, async (trx) => {
        await writeSetting(trx, 'duty', onDuty, now().toISOString())
        await audit.append(trx, [{ event: 'duty-changed', onDuty, operator: current.operatorName }])
      })
      if (!saved.ok) return saved
      if (!onDuty) await desk.standing.offDuty()
      await link.setDuty(onDuty)
      // What was assigned in the last moment is given to nobody else (docs/flows/server.md): here at least it is seen.
      if (!onDuty && current.server.apiUrl !== null) lookForWork(current.server.apiUrl)
      return ok(null)
    },
    keysChanged: () => {
      keysChanged()
      awaited.call()
      desk.standing.tokensChanged().catch((error: unknown) => log('standing.look-defect', { error }))
    },
    close: async () => {
      awaited.stop()
      for (const timer of timers) clearInterval(timer)
      await desk.stop()
      await waiting.stop()
      await wholeCheck?.stop()
      await link.close()
      await checkpoints.stop()
      await tokens.reset()
      await index.close()
      await database.close()
    },
  }
}
