import { hostname } from 'node:os'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Settings } from '../../shared/settings.ts'
import type { StationStatus } from '../../shared/status.ts'
import { openBell } from '../debusine/bell.ts'
import { type Clock, calmed, systemClock } from '../debusine/clock.ts'
import { createDebusineServer, restFor } from '../debusine/debusine-server.ts'
import { type Enrolment, enrol } from '../debusine/register.ts'
import type { Bell, BellState, DebusineServer, Dialect, OfferedKey } from '../debusine/server.ts'
import type { TokenStore } from '../debusine/token-file.ts'
import type { Log } from '../log/logger.ts'
import { createReturningKeys } from './returning-keys.ts'

/** What the station could sign now: its usable keys. */
export interface Serveable {
  readonly keys: readonly OfferedKey[]
  /** Whether requests for keys are taken. */
  readonly generatesKeys: boolean
}

export interface ServerLinkPorts {
  readonly tokenStore: TokenStore
  readonly settings: () => Settings
  readonly serveable: () => Promise<Serveable>
  readonly onRing: (apiUrl: string) => void
  readonly onChange: () => void
  readonly version: string
  readonly now: () => Date
  /** Left out: the system's, with `now`. */
  readonly clock?: Clock
  readonly log: Log
}

/** However often tokens come and go, keys are looked at once in this time: a look can start token processes. */
const lookMs = 1_000
/** However often the server asks for it, it is told once in this time. */
const askedMs = 5_000

/** The one connection to the one debusine server of the settings. The WebSocket is open only while the operator is on duty. */
export interface ServerLink {
  /** The client, if this is the server of the settings and the station is registered there. */
  at(apiUrl: string): DebusineServer | null
  status(): StationStatus['server']
  offered(): readonly string[]
  setDuty(onDuty: boolean): Promise<void>
  onDuty(): boolean
  /** `beforeSending` records that it is about to send the token; if it cannot, nothing is sent. */
  enrol(
    activationToken: Secret | null,
    beforeSending: (as: { readonly fqdn: string; readonly apiUrl: string }) => Promise<Result<null, Failure>>,
  ): Promise<Result<Enrolment & { readonly fqdn: string; readonly apiUrl: string }, Failure>>
  /** Settings changed: connects anew. */
  reconnect(): Promise<void>
  /** Tells the server what can be served, if it differs from what it was told last. */
  offer(): Promise<void>
  /** The same, for whoever may call it many times a second: a token came or went. */
  offerSoon(): void
  say(workRequestId: number, line: string): void
  close(): Promise<void>
}

type Client = DebusineServer & { close(): void }

export function createServerLink(ports: ServerLinkPorts): ServerLink {
  let client: Client | null = null
  let bell: Bell | null = null
  let bellState: BellState = { kind: 'closed' }
  let dialect: Dialect | null = null
  let duty = false
  let registered = false
  let offered: readonly string[] = []
  let told: string | null = null
  /** The server asked to be told, whatever it was told before. */
  let forgotten = false
  let closed = false
  const clock: Clock = ports.clock ?? { ...systemClock, now: ports.now }
  /** Not of one connection: a server that hangs up has not seen the device stay. */
  const admit = createReturningKeys(() => clock.now())
  let cancelReturn = () => {}
  const look = calmed(clock, lookMs, offerInBackground)
  const tellAnew = calmed(clock, askedMs, () => {
    forgotten = true
    offerInBackground()
  })

  function offerInBackground(): void {
    void offer().catch((error: unknown) => ports.log('server.offer-failed', { error }))
  }

  /** Connecting and disconnecting take turns: two at once would leave a line open that nobody knows of. */
  let last: Promise<unknown> = Promise.resolve()
  function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = last.then(work, work)
    last = turn
    return turn
  }
  const connectAnew = () =>
    inTurn(async () => {
      await disconnect()
      await connect()
    })

  const apiUrl = () => ports.settings().server.apiUrl
  /** The worker's name at the server: the station's name where it is a host name, else this machine's. */
  const fqdn = () => {
    const { stationName } = ports.settings()
    return /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(stationName) ? stationName : hostname()
  }

  async function connect(): Promise<void> {
    const url = apiUrl()
    registered = false
    if (url === null || closed) return
    const stored = await ports.tokenStore.read()
    if (!stored.ok) {
      ports.log('server.token-unreadable', { code: stored.error.code })
      bellState = { kind: 'connecting', failure: null }
      return
    }
    // A token is a secret between us and the server it was sent to; no other server ever sees it.
    if (stored.value === null || stored.value.state === 'fresh' || stored.value.origin !== new URL(url).origin) return
    registered = true
    const { caPem } = ports.settings().server
    const { token } = stored.value
    client = createDebusineServer({
      apiUrl: url,
      caPem,
      workerToken: token,
      userAgent: `signing-station/${ports.version}`,
      clock,
      log: ports.log,
    })
    if (duty) ring(url, caPem, token)
  }

  function ring(url: string, caPem: string | null, token: Secret): void {
    const mine = client
    if (mine === null) return
    bell = openBell(
      {
        apiUrl: url,
        caPem,
        workerToken: token,
        dialect: () => mine.dialect(),
        userAgent: `signing-station/${ports.version}`,
        log: ports.log,
      },
      {
        onState: (state) => {
          bellState = state
          if (state.kind === 'connected') void learnDialect(mine)
          ports.onChange()
        },
        onRing: () => ports.onRing(url),
        onMetadataWanted: tellAnew.call,
      },
    )
  }

  async function learnDialect(of: Client): Promise<void> {
    const known = await of.dialect()
    if (known.ok) dialect = known.value
    ports.onChange()
  }

  async function disconnect(): Promise<void> {
    const [oldBell, oldClient] = [bell, client]
    bell = null
    client = null
    dialect = null
    told = null
    offered = []
    bellState = { kind: 'closed' }
    cancelReturn()
    look.stop()
    tellAnew.stop()
    await oldBell?.close()
    oldClient?.close()
  }

  /** One after another: of two at once the older could arrive last, and would stand. */
  let offering: Promise<void> | null = null
  let offerWanted = false
  function offer(): Promise<void> {
    offerWanted = true
    offering ??= offerWhileWanted().finally(() => {
      offering = null
    })
    return offering
  }
  async function offerWhileWanted(): Promise<void> {
    while (offerWanted) {
      offerWanted = false
      await offerNow()
    }
  }

  async function offerNow(): Promise<void> {
    const to = client
    if (to === null || bell === null) return
    if (forgotten) told = null
    forgotten = false
    const { keys, generatesKeys } = await ports.serveable()
    if (to !== client) return
    const { offered: usableKeys, againInMs } = admit(keys)
    cancelReturn()
    if (againInMs !== null) cancelReturn = clock.after(againInMs, offerInBackground)
    const purposes = [...new Set(usableKeys.map(({ purpose }) => purpose))]
    const next = JSON.stringify([usableKeys, generatesKeys])
    if (next === told) return
    const answer = await to.offer({ signPurposes: purposes, usableKeys, generatesKeys, version: ports.version })
    if (to !== client) return
    if (answer.ok) {
      told = next
      offered = purposes
    } else {
      ports.log('server.offer-failed', { code: answer.error.code })
    }
    ports.onChange()
  }

  return {
    at: (url) => (url === apiUrl() ? client : null),
    status: () => {
      const url = apiUrl()
      if (url === null) return { kind: 'not-configured' }
      if (!registered) return { kind: 'not-enrolled', apiUrl: url }
      if (!duty) return { kind: 'off-duty', apiUrl: url }
      switch (bellState.kind) {
        case 'rejected':
          return { kind: 'waiting-for-enable', apiUrl: url, workerFqdn: fqdn() }
        case 'connected':
          return dialect === null
            ? { kind: 'connecting', apiUrl: url, failure: null }
            : { kind: 'connected', apiUrl: url, dialect }
        case 'connecting':
          return { kind: 'connecting', apiUrl: url, failure: bellState.failure }
        case 'closed':
          return { kind: 'connecting', apiUrl: url, failure: null }
      }
    },
    offered: () => offered,
    onDuty: () => duty,
    setDuty: async (onDuty) => {
      if (onDuty === duty) return
      duty = onDuty
      await connectAnew()
      ports.onChange()
    },
    enrol: async (activationToken, record) => {
      const url = apiUrl()
      if (url === null) return err(noServer)
      const rest = restFor({
        apiUrl: url,
        caPem: ports.settings().server.caPem,
        userAgent: `signing-station/${ports.version}`,
        log: ports.log,
      })
      if (!rest.ok) return rest
      try {
        const as = { fqdn: fqdn(), apiUrl: url }
        const { tokenStore: store } = ports
        const beforeSending = () => record(as)
        const enrolled = await enrol({ rest: rest.value, store, fqdn: as.fqdn, activationToken, beforeSending })
        if (!enrolled.ok) return enrolled
        await connectAnew()
        ports.onChange()
        return ok({ ...enrolled.value, ...as })
      } finally {
        rest.value.close()
        activationToken?.wipe()
      }
    },
    reconnect: async () => {
      await connectAnew()
      ports.onChange()
    },
    offer,
    offerSoon: look.call,
    say: (workRequestId, line) => bell?.say(workRequestId as Parameters<Bell['say']>[0], `${line}\n`),
    close: () => {
      closed = true
      return inTurn(disconnect)
    },
  }
}

const noServer: Failure = {
  kind: 'refused',
  code: 'server-not-set',
  message: 'No server is set. Enter its address in the settings first; nothing was sent.',
}
