import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStationDatabase } from '../../db/open.ts'
import type { Failure } from '../shared/failure.ts'
import { ok, type Result } from '../shared/result.ts'
import type { StationStatus } from '../shared/status.ts'
import { createLifecycle, stopOnSignals } from './app/lifecycle.ts'
import { forbidDumps } from './app/no-dumps.ts'
import { formatVerifierKey } from './audit/format/signed-note.ts'
import { exitCodes } from './config/exit-codes.ts'
import { type Profile, prepareProfile } from './config/profile.ts'
import { readSecretFile } from './config/secret-file.ts'
import type { Desktop } from './desktop/desktop.ts'
import { openDesktop } from './desktop/open-desktop.ts'
import { claimInstance } from './desktop/single-instance.ts'
import { Digester } from './digest/digester.ts'
import { entryUrl } from './digest/entry-url.ts'
import { examine } from './doctor/examine.ts'
import { accountName, thisMachine } from './doctor-command.ts'
import { InspectorProcess } from './inspector/inspector-process.ts'
import { attestationBindings } from './ipc/attestation.handlers.ts'
import { byHandBindings } from './ipc/by-hand.handlers.ts'
import { ceremonyBindings } from './ipc/ceremony.handlers.ts'
import { deviceBindings } from './ipc/devices.handlers.ts'
import { generationBindings } from './ipc/generation.handlers.ts'
import { keyBindings } from './ipc/keys.handlers.ts'
import { logBindings } from './ipc/log.handlers.ts'
import { openPgpBindings } from './ipc/openpgp.handlers.ts'
import { createPublish } from './ipc/publish.ts'
import { requestBindings } from './ipc/requests.handlers.ts'
import { reviewBindings } from './ipc/review.handlers.ts'
import { createRouter } from './ipc/router.ts'
import { settingsBindings } from './ipc/settings.handlers.ts'
import { softwareKeyBindings } from './ipc/software-keys.handlers.ts'
import { standingBindings } from './ipc/standing.handlers.ts'
import { stationBindings } from './ipc/station.handlers.ts'
import { waitingBindings } from './ipc/waiting.handlers.ts'
import { readShippedRoots } from './keys/attestation/shipped-roots.ts'
import type { Log } from './log/logger.ts'
import { createReviewDesk } from './log-review/review-desk.ts'
import { discoverModules } from './modules/discover.ts'
import type { SbatLevel } from './policy/policy-input.ts'
import { createOfferedFiles } from './requests/by-hand/offered-files.ts'
import { createSigner } from './signing/registry.ts'
import type { StationCheckpoints } from './station/checkpoints.ts'
import { createStation } from './station/log-key.ts'
import type { StationParts } from './station/parts.ts'
import { openStation, type Station } from './station/station.ts'
import { logNow, requestsInHand } from './station/status.ts'
import { createDeviceLogReader } from './token/device-log-reader.ts'
import { createHsmService } from './token/hsm-service.ts'
import { moduleEnvironment } from './token/module-environment.ts'
import { createTokenService } from './token/service.ts'
import type { TokenService } from './token/token-service.ts'
import { createYubiHsmConfiguration } from './token/yubihsm-configuration.ts'
import { TokenPresence } from './usb/presence.ts'
import { UsbWatcher } from './usb/usb-watcher.ts'

/** Where the program's own files are; in the build every entry lies beside main's. */
export interface ProgramFiles {
  /** `import.meta.url` of main's entry. */
  readonly root: string
  readonly rendererDir: string
  readonly preloadFile: string
  readonly sbatLevelFile: string
  readonly attestationRootsFolder: string
  readonly tokenHost: string
  readonly deviceLogHost: string
  readonly hsmHost: string
  readonly ceremonyScripts: string
  /** A plain Node binary: never Electron's own executable (docs/adr/0003). */
  readonly node: string
  readonly version: string
}

/** Builds everything, opens the window, and resolves to the exit code when it is closed. */
export async function runProgram(
  profile: Profile,
  files: ProgramFiles,
  devServerUrl: string | null,
  log: Log,
  /** Files of the command line, to be shown in the window. */
  named: readonly string[] = [],
): Promise<number> {
  // Before anything is started: what is started inherits it.
  forbidDumps(log)
  const lifecycle = createLifecycle(log)
  prepareProfile(profile)
  const instance = await claimInstance(join(profile.runtime, 'station.sock'), named)
  if (!instance.ok) {
    process.stderr.write(`${instance.error.message}\n`)
    if (instance.error.code === 'files-handed-over') return exitCodes.closed
    return instance.error.code === 'already-running' ? exitCodes.alreadyRunning : exitCodes.noWindow
  }
  lifecycle.started('instance', () => instance.value.release())
  const offered = createOfferedFiles(named, () => publish('hand.offered', null))
  instance.value.onFiles((paths) => offered.add(paths))

  let station: Station | null = null
  let desktop: Desktop | null = null
  let opening: Failure | null = null
  const now = () => new Date()
  const publish = createPublish(() => desktop, log)

  const digester = new Digester(entryUrl('hash-worker', files.root))
  lifecycle.started('digester', () => digester.close())
  const yubihsm = createYubiHsmConfiguration(moduleEnvironment(process.env), profile.runtime)
  const tokens = createTokenService({
    node: files.node,
    hostEntry: files.tokenHost,
    modules: [],
    serviceKeysFolder: profile.serviceKeys,
    environment: yubihsm.environment,
    log,
  })
  const deviceLogReader = createDeviceLogReader({
    node: files.node,
    hostEntry: files.deviceLogHost,
    environment: yubihsm.environment,
    log,
  })
  lifecycle.started('tokens', () => tokens.reset())
  const presence = new TokenPresence({
    devicesChanged: (devices) => tokens.devicesChanged(devices),
    shownTokens: async () =>
      (await tokens.list({ refresh: false })).tokens.map(({ token }) => JSON.stringify(token.id)),
    onDevices: (state) => publish('devices.changed', state),
    onTokens: () => {
      publish('tokens.changed', null)
      station?.keysChanged()
      void announceStatus()
    },
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds).unref()),
    log,
  })
  const watcher = new UsbWatcher({
    node: files.node,
    entry: entryUrl('usb-watcher', files.root),
    onState: (state) => presence.heard(state),
    log,
  })
  const signer = createSigner(digester)
  const parts: StationParts = {
    profile,
    tokens,
    deviceLogReader,
    yubihsm,
    hsm: createHsmService({
      node: files.node,
      hostEntry: files.hsmHost,
      environment: moduleEnvironment(process.env),
      log,
    }),
    ceremonyFiles: { scripts: files.ceremonyScripts, program: fileURLToPath(new URL('..', files.root)) },
    inspector: new InspectorProcess({ nodePath: files.node, entry: entryUrl('inspector', files.root), log }),
    media: { node: files.node, entry: entryUrl('media', files.root), log },
    signer,
    sbatLevel: readSbatLevel(files.sbatLevelFile),
    shippedRoots: await readShippedRoots(files.attestationRootsFolder, log),
    version: files.version,
    now,
    log,
    publish,
    onStatus: () => void announceStatus(),
    // CLOCK_BOOTTIME: goes on while the machine sleeps, unlike `performance.now`.
    standing: { seesLock: () => desktop?.seesLock() ?? false, steady: () => uptime() * 1000 },
  }

  async function open(): Promise<Result<null, Failure>> {
    const database = await openStationDatabase(profile.database)
    if (!database.ok) return database
    station = await openStation(database.value, parts)
    opening = null
    await announceStatus()
    return ok(null)
  }

  async function create({
    stationName,
    operatorName,
  }: {
    readonly stationName: string
    readonly operatorName: string
  }): Promise<Result<null, Failure>> {
    const created = await createStation({ profile, tokens, version: files.version, now }, { stationName, operatorName })
    if (!created.ok) return created
    await created.value.close()
    return open()
  }

  async function status(): Promise<StationStatus> {
    const base = {
      version: files.version,
      runtime: desktop === null ? 'starting' : `${desktop.runtime} ${desktop.runtimeVersion}`,
    }
    if (station === null) {
      return {
        ...base,
        station: opening === null ? 'absent' : 'read-only',
        stationName: '',
        operator: accountName(),
        server: { kind: 'not-configured' },
        onDuty: false,
        offered: [],
        userTokenSet: false,
        tokens: [],
        log:
          opening === null
            ? { kind: 'whole', entries: 0, head: null }
            : { kind: 'unwritable', reason: opening.message },
        logKey: null,
        checkpoint: null,
        contradictions: [],
        deviceIncidents: [],
        inHand: 0,
      }
    }
    const { stationName, operatorName } = station.settings()
    const listed = await tokens.list({ refresh: false })
    presence.saw(identities(listed))
    return {
      ...base,
      station: station.logState.kind === 'whole' ? 'ready' : 'read-only',
      stationName,
      operator: operatorName,
      server: station.link.status(),
      onDuty: station.link.onDuty(),
      offered: [...station.link.offered()],
      userTokenSet: userTokenSet(profile, log),
      tokens: listed.tokens.map(({ token }) => ({ label: token.label, serial: token.id.serial })),
      log: await logNow(station.database.db, station.logState),
      ...checkpointStatus(station.checkpoints),
      contradictions: station.checkpoints.contradictions().slice(0, 50),
      deviceIncidents: [...(await station.deviceLog.openIncidents())],
      inHand: await requestsInHand(station.database.db),
    }
  }

  async function announceStatus(): Promise<void> {
    try {
      publish('status.changed', await status())
    } catch (error) {
      log('status.defect', { error })
    }
  }

  const access = { current: () => station }
  const chosenModules = () => station?.settings().modules ?? null
  const findModules = () => discoverModules({ chosen: chosenModules() ?? [], architecture: process.arch })
  const review = createReviewDesk({
    node: files.node,
    entry: entryUrl('log-reader', files.root),
    folder: profile.review,
    log,
    now,
    onProgress: (source, done, total, unit) => publish('audit.verify-progress', { source, done, total, unit }),
  })
  lifecycle.started('review', () => review.close())
  const router = createRouter(
    {
      ...stationBindings(access, { status, create }),
      ...requestBindings(access, signer.outputSuffix, now),
      ...byHandBindings(access, offered),
      ...standingBindings(access),
      ...keyBindings(access, now),
      ...openPgpBindings(access, now),
      ...attestationBindings(access, now),
      ...deviceBindings({
        usb: () => presence.state(),
        modules: findModules,
        examine: () =>
          examine({
            machine: { ...thisMachine(), environment: { ...process.env, ...yubihsm.environment } },
            modules: findModules,
            chosen: chosenModules(),
            tokens: () => tokens.list({ refresh: true }),
            now,
          }),
      }),
      ...generationBindings(access),
      ...softwareKeyBindings(access, publish, now),
      ...waitingBindings(access),
      ...ceremonyBindings(access),
      ...reviewBindings(access, review, profile.exports, accountName()),
      ...logBindings(access, files.version, publish, now),
      ...settingsBindings(access, () => void announceStatus()),
    },
    log,
  )

  // Named before the router, whenever it is opened or made: what the window has asked for ends first, then the database is closed.
  lifecycle.started('station', () => station?.close())
  // Ends before the station: what comes or goes then has nobody to be told to.
  lifecycle.started('usb', async () => {
    presence.close()
    await watcher.close()
  })
  watcher.start()

  // The window first: it is useful at once and says what the rest is doing.
  const opened = openDesktop({
    title: 'Signing Station',
    rendererDir: files.rendererDir,
    preloadFile: files.preloadFile,
    runtimeDir: profile.runtime,
    devServerUrl,
    onMessage: async (sender, text) => {
      await ready
      return router.onMessage(sender, text)
    },
    log,
  })
  const ready = open().then((result) => {
    if (result.ok || result.error.code === 'database-absent') return
    opening = result.error
    log('station.not-opened', { code: result.error.code, detail: result.error.detail })
  })
  const window = await opened
  if (!window.ok) {
    process.stderr.write(`${window.error.message}\n`)
    await ready
    await lifecycle.stop()
    return exitCodes.noWindow
  }
  desktop = window.value
  lifecycle.started('window', () => window.value.close())
  lifecycle.started('router', () => router.stop())
  instance.value.onSecondStart(() => window.value.focus())
  window.value.onLock(() => {
    publish('desk.locked', null)
    station?.desk.standing.deskLocked().catch((error: unknown) => log('standing.lock-defect', { error }))
  })
  stopOnSignals(process, (signal) => {
    log('program.stopping', { signal })
    void window.value.close()
  })
  await ready
  await announceStatus()
  const reason = await window.value.closed
  log('program.window-closed', { reason })
  await lifecycle.stop()
  return reason === 'crash' ? exitCodes.defect : exitCodes.closed
}

function checkpointStatus(checkpoints: StationCheckpoints): Pick<StationStatus, 'logKey' | 'checkpoint'> {
  const own = checkpoints.key()
  const last = checkpoints.state()
  return {
    logKey: own === null ? null : { origin: own.name, vkey: formatVerifierKey(own) },
    checkpoint: last === null ? null : { ...last, warnings: last.warnings.slice(0, 50) },
  }
}

function identities({ tokens }: Awaited<ReturnType<TokenService['list']>>): readonly string[] {
  return tokens.map(({ token }) => JSON.stringify(token.id))
}

function userTokenSet(profile: Profile, log: Log): boolean {
  try {
    const token = readSecretFile(profile.userToken)
    token?.wipe()
    return token !== null
  } catch (error) {
    log('settings.user-token-unreadable', { error })
    return false
  }
}

function readSbatLevel(path: string): SbatLevel {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (typeof parsed !== 'object' || parsed === null || !('date' in parsed) || !('minimumGenerations' in parsed))
    throw new Error(`${path} is not an SBAT level`)
  return parsed as SbatLevel // shipped with the program, and read by a test
}
