import type { AttestationRecord, AttestationRoot } from '../../shared/attestation.ts'
import type { AuditRow, AuditState } from '../../shared/audit.ts'
import type { CeremonyDetail } from '../../shared/ceremony.ts'
import type { DeviceLogState } from '../../shared/device-log.ts'
import type { UsbState } from '../../shared/devices.ts'
import type { DoctorFinding } from '../../shared/doctor.ts'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import type { KeyGeneration } from '../../shared/key-generation.ts'
import type { ModuleDiscovery } from '../../shared/modules.ts'
import type { PendingWork, RequestDetail, RequestSummary } from '../../shared/request.ts'
import type { Result } from '../../shared/result.ts'
import type { ServiceKeyList } from '../../shared/service-key.ts'
import type { Settings } from '../../shared/settings.ts'
import type { StationStatus } from '../../shared/status.ts'
import type { TokenObject, TokenSummary } from '../../shared/token.ts'
import type { WaitingTask } from '../../shared/waiting.ts'
import type { StationApi } from '../station/station-api.ts'
import { fakeAttestations } from './fake-attestations.ts'
import { fakeAudit } from './fake-audit.ts'
import { type ByHandState, fakeByHand } from './fake-by-hand.ts'
import { fakeCeremony } from './fake-ceremony.ts'
import { fakeGeneration } from './fake-generation.ts'
import { fakeOpenPgp } from './fake-openpgp.ts'
import { fakeSigning } from './fake-signing.ts'
import { fakeSoftwareKeys } from './fake-software-keys.ts'
import { fakeStanding, type StandingState } from './fake-standing.ts'
import { fakeWaiting } from './fake-waiting.ts'
import { hexOf, minutesAgo, sampleKey } from './sample-data.ts'
import type { FakeLog } from './sample-log.ts'

/** All that a fake station knows. Everything that its functions answer comes from here, and what they do changes it. */
export type FakeState = ByHandState &
  StandingState & {
    status: StationStatus
    settings: Settings
    requests: Map<string, RequestDetail>
    /** Rows without a sheet, for long lists. */
    moreRequests: readonly RequestSummary[]
    pending: PendingWork[] | Failure
    waiting: readonly WaitingTask[] | Failure
    tokens: { token: TokenSummary; objects: TokenObject[]; mechanisms: string[]; problem: Failure | null }[]
    deviceLogs: DeviceLogState[]
    modules: { path: string; problem: Failure | null }[]
    usb: UsbState
    found: ModuleDiscovery
    findings: DoctorFinding[]
    keys: RegisteredKey[]
    attestations: readonly AttestationRecord[]
    roots: readonly AttestationRoot[]
    /** Keys that were begun on tokens, newest first. */
    generations: readonly KeyGeneration[]
    serviceKeys: ServiceKeyList
    ceremonies: readonly CeremonyDetail[]
    audit: AuditRow[]
    auditCheck: AuditState
    log: FakeLog
    /** The PIN that the token takes. */
    pin: string
    /** PINs of tokens that take another one, by serial. */
    pins: ReadonlyMap<string, string>
    /** Failures that a function gives instead of its answer, by the function's name. */
    failures: Map<string, Failure>
    /** Milliseconds for one file; null: a signing stays where it is. */
    signingPace: number | null
  }

const fail = (kind: Failure['kind'], code: string, message: string): Result<never, Failure> => ({
  ok: false,
  error: { kind, code, message },
})
const done: Result<null, Failure> = { ok: true, value: null }

/** A station in memory that behaves like main as far as the window can tell: it refuses what main refuses. */
export class FakeStation {
  readonly state: FakeState
  readonly calls: { readonly name: string; readonly input: unknown }[] = []
  readonly api: StationApi
  readonly #listeners = new Map<string, Set<(payload: never) => void>>()

  constructor(state: FakeState) {
    this.state = state
    this.api = this.#recorded(this.#functions())
  }

  emit<E extends EventName>(name: E, payload: EventPayload<E>): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(payload as never)
  }

  #recorded(functions: StationApi): StationApi {
    const entries = Object.entries(functions).map(([name, call]: [string, (...input: never[]) => unknown]) => [
      name,
      name === 'onEvent'
        ? call
        : async (...input: never[]) => {
            this.calls.push({ name, input: input[0] })
            const failure = this.state.failures.get(name)
            return failure === undefined ? call(...input) : { ok: false, error: failure }
          },
    ])
    return Object.fromEntries(entries) as StationApi
  }

  #change(id: string, change: (detail: RequestDetail) => RequestDetail): void {
    const detail = this.state.requests.get(id)
    if (detail === undefined) return
    this.state.requests.set(id, change(detail))
    this.emit('requests.changed', { requestId: detail.summary.id })
    this.emit('audit.changed', { entries: this.state.audit.length })
  }

  #status(change: Partial<StationStatus>): void {
    this.state.status = { ...this.state.status, ...change }
    this.emit('status.changed', this.state.status)
  }

  #functions(): StationApi {
    const { state } = this
    return {
      stationStatus: async () => ({ ok: true, value: state.status }),
      stationCreate: async ({ stationName, operatorName }) => {
        state.settings = { ...state.settings, stationName, operatorName }
        this.#status({ station: 'ready', stationName, operator: operatorName })
        return done
      },
      requestsList: async ({ view, search, cursor, limit }) => {
        const wanted = (search ?? '').toLowerCase()
        const all = [...[...state.requests.values()].map((detail) => detail.summary), ...state.moreRequests]
          .filter((summary) => (summary.stage === 'done') === (view === 'done'))
          .filter((summary) =>
            `${summary.title} ${summary.workspace} ${summary.requestedBy ?? ''} ${summary.workRequestId}`
              .toLowerCase()
              .includes(wanted),
          )
        return { ok: true, value: page(all, cursor, limit) }
      },
      requestsNext: async () =>
        Array.isArray(state.pending)
          ? { ok: true, value: { work: state.pending, asOf: minutesAgo(1) } }
          : { ok: false, error: state.pending },
      ...fakeWaiting(state),
      requestsShow: async ({ requestId }) => {
        const detail = state.requests.get(requestId)
        return detail === undefined
          ? fail('invalid', 'request-unknown', 'There is no such request at this station.')
          : { ok: true, value: detail }
      },
      reviewRecheck: async ({ requestId }) => {
        const detail = state.requests.get(requestId)
        return detail === undefined
          ? fail('invalid', 'request-unknown', 'There is no such request at this station.')
          : { ok: true, value: detail }
      },
      ...fakeSigning(
        state,
        (name, payload) => this.emit(name, payload),
        (id, by) => this.#change(id, by),
        (change) => this.#status(change),
      ),
      requestRenew: async ({ requestId }) => {
        this.#change(requestId, (before) => ({
          ...before,
          failure: null,
          held:
            before.held === null
              ? null
              : {
                  ...before.held,
                  tokenEndsAt: minutesAgo(-7 * 1440),
                  renewalsLeft: Math.max(0, (before.held.renewalsLeft ?? 0) - 1),
                },
        }))
        return done
      },
      outputsSave: async ({ requestId }) => ({
        ok: true,
        value: {
          folder: '/home/operator/Signing Station/10423',
          files: state.requests.get(requestId)?.files.length ?? 0,
          proofs: state.requests.get(requestId)?.files.length ?? 0,
        },
      }),
      dutySet: async ({ onDuty }) => {
        this.#status({ onDuty })
        return done
      },
      tokensList: async () => ({ ok: true, value: { tokens: state.tokens, modules: state.modules } }),
      devicesList: async () => ({ ok: true, value: state.usb }),
      modulesFind: async () => ({ ok: true, value: state.found }),
      doctorRun: async () => ({ ok: true, value: { at: minutesAgo(0), findings: state.findings } }),
      tokensDeviceLogs: async () => ({ ok: true, value: state.deviceLogs }),
      keysList: async () => ({ ok: true, value: state.keys }),
      keysRegister: async ({ description, production, pin }) => {
        if (pin !== state.pin)
          return fail('refused', 'pin-incorrect', 'The token refused the PIN. No key was registered.')
        const key = sampleKey({ description, production, createdAt: minutesAgo(0), lastUsedAt: null, lastUseSeq: null })
        state.keys = [...state.keys, key]
        this.emit('keys.changed', null)
        return { ok: true, value: key }
      },
      keysCreateSoftware: async ({ description }) => {
        const key = sampleKey({
          description,
          fingerprint: hexOf(description).toUpperCase() as RegisteredKey['fingerprint'],
          production: false,
          origin: 'software',
          home: { kind: 'software' },
          createdAt: minutesAgo(0),
          lastUsedAt: null,
          lastUseSeq: null,
          lastSeen: null,
        })
        state.keys = [...state.keys, key]
        this.emit('keys.changed', null)
        return { ok: true, value: key }
      },
      keysSetState: async ({ fingerprint, state: next }) => {
        state.keys = state.keys.map((key) => (key.fingerprint === fingerprint ? { ...key, state: next } : key))
        this.emit('keys.changed', null)
        return done
      },
      ...fakeGeneration(
        state,
        (name, payload) => this.emit(name, payload),
        (id, by) => this.#change(id, by),
      ),
      ...fakeByHand(state),
      ...fakeStanding(state, () => this.emit('standing.changed', null)),
      ...fakeSoftwareKeys(state, (name, payload) => this.emit(name, payload)),
      ...fakeCeremony(state, (name, payload) => this.emit(name, payload)),
      ...fakeOpenPgp(state, (name, payload) => this.emit(name, payload)),
      ...fakeAudit(state, (name, payload) => this.emit(name, payload)),
      ...fakeAttestations(state, (name, payload) => this.emit(name, payload)),
      settingsGet: async () => ({ ok: true, value: state.settings }),
      settingsSet: async (settings) => {
        state.settings = settings
        this.emit('settings.changed', null)
        const { apiUrl } = settings.server
        this.#status({
          stationName: settings.stationName,
          operator: settings.operatorName,
          ...(state.status.server.kind === 'not-configured' && apiUrl !== null
            ? { server: { kind: 'not-enrolled', apiUrl } }
            : {}),
        })
        return done
      },
      serverEnrol: async ({ activationToken }) => {
        const { server } = state.status
        if (server.kind === 'not-configured') return fail('refused', 'no-server', 'No server is set.')
        const { apiUrl } = server
        this.#status({
          server:
            activationToken === null
              ? { kind: 'waiting-for-enable', apiUrl, workerFqdn: state.status.stationName }
              : { kind: 'connected', apiUrl, dialect: '0.16' },
        })
        return done
      },
      serverSetUserToken: async ({ token }) => {
        this.#status({ userTokenSet: token !== null })
        return done
      },
      onEvent: (name, listener) => {
        const listeners = this.#listeners.get(name) ?? new Set()
        listeners.add(listener)
        this.#listeners.set(name, listeners)
        return () => void listeners.delete(listener)
      },
    }
  }
}

function page<T>(all: readonly T[], cursor: string | null, limit: number) {
  const start = cursor === null ? 0 : Number(cursor)
  const end = start + limit
  return { rows: all.slice(start, end), total: all.length, nextCursor: end < all.length ? String(end) : null }
}
