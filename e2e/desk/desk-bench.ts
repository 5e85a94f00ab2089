import { createHash, X509Certificate } from 'node:crypto'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { createStationDatabase } from '../../db/create.ts'
import { openStationDatabase } from '../../db/open.ts'
import { createAuditLog } from '../../src/main/audit/create-audit-log.ts'
import { type Profile, prepareProfile, profileAt } from '../../src/main/config/profile.ts'
import { Digester } from '../../src/main/digest/digester.ts'
import { entryUrl } from '../../src/main/digest/entry-url.ts'
import { InspectorProcess } from '../../src/main/inspector/inspector-process.ts'
import { readShippedRoots } from '../../src/main/keys/attestation/shipped-roots.ts'
import { createSoftwareKey } from '../../src/main/keys/create-software-key.ts'
import { registerKey } from '../../src/main/keys/register-key.ts'
import type { SbatLevel } from '../../src/main/policy/policy-input.ts'
import { showRequest } from '../../src/main/requests/request-lists.ts'
import { defaultSettings, writeSettings } from '../../src/main/settings/settings-store.ts'
import { createSigner } from '../../src/main/signing/registry.ts'
import { createStation } from '../../src/main/station/log-key.ts'
import type { StationParts } from '../../src/main/station/parts.ts'
import { openStation, type Station } from '../../src/main/station/station.ts'
import { createDeviceLogReader } from '../../src/main/token/device-log-reader.ts'
import { createHsmService } from '../../src/main/token/hsm-service.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { makeSoftToken, type SoftTokenSpec, type SoftTokens } from '../../src/main/token/testing/soft-token.ts'
import { createYubiHsmConfiguration, type YubiHsmConfiguration } from '../../src/main/token/yubihsm-configuration.ts'
import type { EventName } from '../../src/shared/events.ts'
import type { Failure } from '../../src/shared/failure.ts'
import { type Fingerprint, fingerprint, type RequestId, requestId, sha256Hex } from '../../src/shared/ids.ts'
import type { RequestDetail, RequestStage } from '../../src/shared/request.ts'
import { ok, type Result } from '../../src/shared/result.ts'
import { Secret } from '../../src/shared/secret.ts'
import type { TokenId } from '../../src/shared/token.ts'
import { type SandboxServer, startSandboxServer } from '../sandbox-server/sandbox-server.ts'
import type { SignRequest } from '../sandbox-server/seed.ts'
import { buildPe } from '../workbench/pe-files.ts'

// The whole station but its window, in this process: real database file, log, token processes with SoftHSM, signer, inspector
// processes and client, against the sandbox server. A test drives the desk as the window's messages would.

export const benchPin = '648219'
const root = new URL('../../src/main/index.ts', import.meta.url)
const hostEntry = fileURLToPath(new URL('../../src/main/token/host/index.ts', import.meta.url))
const hsmHostEntry = fileURLToPath(new URL('../../src/main/token/hsm-host/index.ts', import.meta.url))
const deviceLogHostEntry = fileURLToPath(new URL('../../src/main/token/log-host/index.ts', import.meta.url))
const sbatLevel = JSON.parse(
  readFileSync(new URL('../../resources/sbat-level.json', import.meta.url), 'utf8'),
) as SbatLevel // its form is tested beside the check

/** Soft tokens that all benches of a test file share: making their keys takes longer than a test. */
export interface SharedTokens {
  readonly soft: SoftTokens
  readonly folder: string
  dispose(): Promise<void>
}

export async function makeSharedTokens(beside: readonly SoftTokenSpec[] = []): Promise<SharedTokens> {
  const folder = await mkdtemp(join(tmpdir(), 'desk-token-'))
  const soft = await makeSoftToken({
    directory: folder,
    tokens: [
      {
        label: 'Desk',
        pin: benchPin,
        keys: [
          { algorithm: 'rsa-2048', commonName: 'Desk signer' },
          { algorithm: 'ec-p256', commonName: 'Desk signer of the next year' },
        ],
      },
      ...beside,
    ],
  })
  return { soft, folder, dispose: () => rm(folder, { recursive: true, force: true }) }
}

/** An audit entry as it stands in the log. */
export interface Entry {
  readonly seq: number
  readonly event: string
  readonly [field: string]: unknown
}

export interface DeskBenchOptions {
  /** Null: no token and no module; the station makes itself a software key. */
  readonly tokens: SharedTokens | null
  /** The station's clock, where a test moves it. */
  readonly now?: () => Date
  readonly dialect?: '0.11' | '0.16'
  /** Another PKCS#11 module than SoftHSM itself, and what its environment needs. */
  readonly module?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly trustedCerts?: readonly string[]
  /** Where the token process runs, if not on this machine as it is (`ReaderRoom.node`). */
  readonly node?: string
  /** PIN of the token. Left out: `benchPin`. */
  readonly pin?: string
  /** Left out: the first key of the token is registered. */
  readonly registerKey?: boolean
  /** What standing approvals rest on, where a test decides it. */
  readonly standing?: StationParts['standing']
  /** False: a station as it was before logs had keys. */
  readonly logKey?: boolean
  /** Another server than the sandbox, which then is started and not asked. */
  readonly server?: OtherServer
}

export interface OtherServer {
  readonly apiUrl: string
  readonly caPem: string
  /** Under which the station is enrolled. */
  readonly fqdn: string
  readonly activationToken: string | null
  /** What an administrator does after the station has registered. */
  enable(): Promise<void>
}

export class DeskBench {
  readonly server: SandboxServer
  readonly profile: Profile
  #fingerprint: Fingerprint | null = null
  /** Every line of the log, parsed. */
  readonly lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = []
  /** What the window was told without asking. */
  readonly published: { readonly event: EventName; readonly payload: unknown }[] = []
  readonly #folder: string
  readonly #options: DeskBenchOptions
  readonly #digester = new Digester(entryUrl('hash-worker', root.href))
  readonly #listeners: ((message: unknown) => void)[] = []
  #station: Station | null = null

  private constructor(folder: string, server: SandboxServer, options: DeskBenchOptions) {
    this.#folder = folder
    this.#options = options
    this.server = server
    this.profile = profileAt(join(folder, 'profile'), {})
  }

  /** A station that is created, enrolled, enabled, on duty, and has its key. */
  static async make(options: DeskBenchOptions): Promise<DeskBench> {
    const server = await startSandboxServer({ dialect: options.dialect ?? '0.16', schedulerMs: 50, settleMs: 5 })
    const bench = new DeskBench(await mkdtemp(join(tmpdir(), 'desk-')), server, options)
    prepareProfile(bench.profile)
    const soft = options.tokens?.soft ?? null
    const tokens = bench.#tokens()
    const parts = { profile: bench.profile, tokens, version: '0', now: () => new Date() }
    const other = options.server
    const names = { stationName: other?.fqdn ?? 'desk.example.org', operatorName: 'Release Manager' }
    const made =
      options.logKey === false
        ? await createStationDatabase(bench.profile.database, async (trx) => {
            await createAuditLog(trx, parts.now).append(trx, [
              {
                event: 'station-created',
                stationName: names.stationName,
                operator: names.operatorName,
                softwareVersion: '0',
              },
            ])
          })
        : await createStation(parts, names)
    await tokens.reset()
    if (!made.ok) throw new Error(made.error.message)
    const settings = {
      ...defaultSettings(names.stationName, 'Release Manager'),
      server: { apiUrl: other?.apiUrl ?? server.apiUrl, caPem: other?.caPem ?? server.caPem, scope: null },
      modules: soft === null ? [] : [{ path: options.module ?? soft.module, enabled: true }],
      trustedCerts: [...(options.trustedCerts ?? [])],
    }
    await made.value.db.transaction().execute((trx) => writeSettings(trx, settings, new Date().toISOString()))
    await made.value.close()
    await bench.start()
    orThrow(
      await bench.station.link.enrol(
        other?.activationToken == null ? null : Secret.fromText(other.activationToken),
        async () => ok(null),
      ),
    )
    if (other === undefined) server.enableWorker()
    else await other.enable()
    bench.#fingerprint = soft === null ? await bench.makeSoftwareKey() : bench.keyFingerprint(0)
    server.addKey({ purpose: 'uefi', fingerprint: bench.fingerprint })
    if (soft !== null && options.registerKey !== false) orThrow(await bench.register(0))
    orThrow(await bench.station.setDuty(true))
    return bench
  }

  get station(): Station {
    if (this.#station === null) throw new Error('the station is closed')
    return this.#station
  }

  /** Of the key that requests are for. */
  get fingerprint(): Fingerprint {
    if (this.#fingerprint === null) throw new Error('there is no key yet')
    return this.#fingerprint
  }

  get #soft(): SoftTokens {
    if (this.#options.tokens === null) throw new Error('this bench has no tokens')
    return this.#options.tokens.soft
  }

  async makeSoftwareKey(): Promise<Fingerprint> {
    const { database, audit, tokens } = this.station
    const ports = { db: database.db, audit, tokens, now: () => new Date() }
    return orThrow(await createSoftwareKey(ports, 'Desk signer in software', 'Release Manager'))
  }

  keyFingerprint(index: number): Fingerprint {
    const pem = this.certificatePem(index)
    return fingerprint.parse(createHash('sha256').update(new X509Certificate(pem).raw).digest('hex').toUpperCase())
  }

  certificatePem(index: number): string {
    const pem = this.#soft.tokens[0]?.keys[index]?.certificatePem
    if (pem === undefined || pem === null) throw new Error(`the token has no certificate ${index}`)
    return pem
  }

  get tokenId() {
    const [token] = this.#soft.tokens
    if (token === undefined) throw new Error('there is no token')
    return token.id
  }

  /** Registers a key of the token as a custodian does. */
  register(index: number, change: Partial<Parameters<typeof registerKey>[1]> = {}) {
    const { database, audit, tokens, shippedRoots } = this.station
    return registerKey(
      { db: database.db, audit, tokens, shippedRoots, now: () => new Date() },
      {
        purpose: 'uefi',
        token: this.tokenId,
        ckaId: this.#soft.tokens[0]?.keys[index]?.ckaId ?? '',
        certificatePem: this.certificatePem(index),
        description: `Desk signer ${index}`,
        production: false,
        pin: Secret.fromText(this.#options.pin ?? benchPin),
        useLastTry: false,
        ...change,
      },
      'Release Manager',
    )
  }

  readonly #log = (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
    void this.lines.push({ event, fields })

  #configuration(): YubiHsmConfiguration {
    const soft = this.#options.tokens?.soft ?? null
    const environment = {
      ...(soft === null ? {} : { SOFTHSM2_CONF: soft.configuration }),
      ...this.#options.environment,
    }
    return createYubiHsmConfiguration(environment, this.profile.runtime)
  }

  #tokens(yubihsm = this.#configuration()) {
    return createTokenService({
      node: this.#options.node ?? process.execPath,
      hostEntry,
      modules: [],
      serviceKeysFolder: this.profile.serviceKeys,
      environment: yubihsm.environment,
      log: this.#log,
    })
  }

  async start(): Promise<void> {
    const opened = await openStationDatabase(this.profile.database)
    if (!opened.ok) throw new Error(opened.error.message)
    const log = this.#log
    const yubihsm = this.#configuration()
    this.#station = await openStation(opened.value, {
      profile: this.profile,
      tokens: this.#tokens(yubihsm),
      yubihsm,
      deviceLogReader: createDeviceLogReader({
        node: process.execPath,
        hostEntry: deviceLogHostEntry,
        environment: yubihsm.environment,
        log,
      }),
      hsm: createHsmService({
        node: process.execPath,
        hostEntry: hsmHostEntry,
        environment: this.#options.environment ?? {},
        log,
      }),
      ceremonyFiles: {
        scripts: fileURLToPath(new URL('../../resources/ceremonies', import.meta.url)),
        program: fileURLToPath(new URL('../../src/main', import.meta.url)),
      },
      inspector: new InspectorProcess({ nodePath: process.execPath, entry: entryUrl('inspector', root.href), log }),
      media: { node: process.execPath, entry: entryUrl('media', root.href), log },
      signer: createSigner(this.#digester),
      sbatLevel,
      shippedRoots: await readShippedRoots(
        fileURLToPath(new URL('../../resources/attestation-roots', import.meta.url)),
        log,
      ),
      version: '0.0.0',
      now: this.#options.now ?? (() => new Date()),
      log,
      publish: (event, payload) => void this.published.push({ event, payload }),
      onStatus: () => {},
      ...(this.#options.standing === undefined ? {} : { standing: this.#options.standing }),
    })
  }

  /** Ends the station in an orderly way. */
  async close(): Promise<void> {
    const station = this.#station
    this.#station = null
    await station?.close()
  }

  async restart(): Promise<void> {
    await this.close()
    await this.start()
  }

  async dispose(): Promise<void> {
    for (const listener of this.#listeners) unsubscribe('station:step', listener)
    await this.close()
    await this.#digester.close()
    await this.server.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Does something just before or after the n-th time that a step is taken. The station waits until it returns. */
  at(name: string, when: 'before' | 'after', action: () => void, nth = 1): void {
    let seen = 0
    const listener = (message: unknown) => {
      const step = message as { name: string; when: string } // our own channel
      if (step.name !== name || step.when !== when) return
      seen += 1
      if (seen === nth) action()
    }
    this.#listeners.push(listener)
    subscribe('station:step', listener)
    if (!channel('station:step').hasSubscribers) throw new Error('nobody listens')
  }

  /** A request with `count` small images. */
  ask(count = 1, change: Partial<SignRequest> = {}): Promise<number> {
    return this.server.addSignRequest({
      fingerprint: this.fingerprint,
      files: Array.from({ length: count }, (_, index) => ({
        name: `pkg/image-${String(index).padStart(3, '0')}.efi`,
        bytes: buildPe(index),
      })),
      binaryPackageName: 'pkg',
      trustedCerts: [],
      ...change,
    })
  }

  async idOf(work: number): Promise<RequestId | null> {
    const row = await this.station.database.db
      .selectFrom('request')
      .select('id')
      .where('work_request_id', '=', work)
      .executeTakeFirst()
    return row === undefined ? null : requestId.parse(row.id)
  }

  async show(work: number): Promise<RequestDetail> {
    const id = await this.idOf(work)
    const detail = id === null ? null : await showRequest(this.station.database.db, id)
    if (detail === null) throw new Error(`work request ${work} is not here`)
    return detail
  }

  /** Waits until the request is at one of the stages. */
  until(work: number, ...stages: readonly RequestStage[]): Promise<RequestDetail> {
    return untilAt(() => this.show(work), stages)
  }

  /** The same for a request that no server asked for. */
  untilOf(id: RequestId, ...stages: readonly RequestStage[]): Promise<RequestDetail> {
    return untilAt(() => showRequest(this.station.database.db, id), stages)
  }

  /** Opens files by hand, and the sheet that comes of it. */
  async openReviewed(opening: Parameters<Station['desk']['hand']['openByHand']>[0]): Promise<RequestDetail> {
    const detail = await this.untilOf(orThrow(await this.station.desk.hand.openByHand(opening)), 'review')
    await this.showSheet(detail)
    return detail
  }

  /** Waits until the server has what it was told. */
  untilCompleted(work: number): Promise<string> {
    return vi.waitFor(
      () => {
        const request = this.server.workRequest(work)
        if (request?.status !== 'completed') throw new Error(`work request ${work} is ${request?.status ?? 'unknown'}`)
        return request.result
      },
      { timeout: 100_000, interval: 25 },
    )
  }

  /** The approval that an honest window would send for what it was shown. */
  approval(
    detail: RequestDetail,
    change: {
      readonly pin?: string | null
      readonly acknowledged?: string[]
      readonly furtherPins?: readonly { readonly token: TokenId; readonly pin: string }[]
    } = {},
  ) {
    const { pin = this.#options.pin ?? benchPin } = change
    return {
      requestId: detail.summary.id,
      sheetDigest: detail.sheetDigest ?? sha256Hex.parse('0'.repeat(64)),
      acknowledged:
        change.acknowledged ?? (detail.approvability?.kind === 'approvable' ? detail.approvability.acknowledge : []),
      pin: pin === null ? null : Secret.fromText(pin),
      useLastTry: false,
      furtherPins: (change.furtherPins ?? []).map((typed) => ({
        token: typed.token,
        pin: Secret.fromText(typed.pin),
        useLastTry: false,
      })),
    }
  }

  async showSheet(detail: RequestDetail): Promise<void> {
    if (detail.sheetDigest === null) throw new Error('there is no sheet')
    orThrow(await this.station.desk.show(detail.summary.id, detail.sheetDigest))
  }

  /** Waits for the review, opens the sheet, approves. */
  async approve(work: number, change: Parameters<DeskBench['approval']>[1] = {}): Promise<RequestDetail> {
    const detail = await this.until(work, 'review')
    await this.showSheet(detail)
    orThrow(await this.station.desk.approve(this.approval(detail, change)))
    return detail
  }

  async entries(event?: string): Promise<readonly Entry[]> {
    const rows = await this.station.database.db
      .selectFrom('audit_entry')
      .select(['seq', 'entry'])
      .orderBy('seq')
      .execute()
    return rows
      .map((row): Entry => ({ ...JSON.parse(Buffer.from(row.entry).toString('utf8')), seq: row.seq }))
      .filter((entry) => event === undefined || entry.event === event)
  }

  /** Events of one request, in order. */
  async story(work: number): Promise<readonly string[]> {
    const id = await this.idOf(work)
    return (await this.entries()).filter((entry) => entry['requestId'] === id).map((entry) => entry.event)
  }

  signatures(work: number) {
    return this.station.database.db
      .selectFrom('signature')
      .innerJoin('request', 'request.id', 'signature.request_id')
      .selectAll('signature')
      .where('request.work_request_id', '=', work)
      .orderBy('ordinal')
      .execute()
  }
}

function untilAt(show: () => Promise<RequestDetail | null>, stages: readonly RequestStage[]): Promise<RequestDetail> {
  return vi.waitFor(
    async () => {
      const detail = await show()
      if (detail === null || !stages.includes(detail.summary.stage))
        throw new Error(`the request is ${detail?.summary.stage ?? 'not here'}: ${JSON.stringify(detail?.failure)}`)
      return detail
    },
    { timeout: 100_000, interval: 25 },
  )
}

export function orThrow<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}

/** `ok`, or the code of what went wrong. */
export function codeOf(result: Result<unknown, Failure>): string {
  return result.ok ? 'ok' : result.error.code
}
