import { WebSocket } from 'ws'
import type { WorkRequestId } from '../../shared/ids.ts'
import { err, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import { type Log, silentLog } from '../log/logger.ts'
import { backOff, type Clock, calmed, systemClock } from './clock.ts'
import { limits } from './limits.ts'
import { serverFailure } from './problem.ts'
import { apiBase } from './rest.ts'
import type { Bell, BellListener, BellState, Dialect, ServerFailure } from './server.ts'
import { connectionFailure, readTrust, type Trust } from './trust.ts'
import { bellMessage, parseJson, quoted, tokenText } from './wire.ts'

export interface BellOptions {
  /** `https://HOST/api`, without the version. */
  readonly apiUrl: string
  readonly caPem: string | null
  readonly alsoSystemCas?: boolean
  readonly workerToken: Secret
  /** Asked after each connection: log lines are understood by 0.16 only. */
  readonly dialect: () => Promise<Result<Dialect, ServerFailure>>
  readonly userAgent?: string
  readonly clock?: Clock
  readonly log?: Log
}

/** The largest honest message has about 200 octets. */
const maxMessageBytes = 64 * 1024
/** Log lines that the server does not take are dropped, not kept. */
const maxWaitingBytes = 64 * 1024
const pingMs = 60_000
const silenceMs = 60_000
const tickMs = 10_000
const reconnectBaseMs = 1000
const reconnectCapMs = 60_000
/** Rejected: an administrator has to act, so there is no hurry. */
const rejectedMs = 30_000
/** A dead socket that the server notices late (50 s) makes it count us as disconnected although the new one is up. */
const againMs = 60_000
/** However often the server rings, we look once a second at most. */
const calmMs = 1000

/**
 * Opens the WebSocket and keeps it open. A ring carries no facts and often comes twice; it means "look again". Everything that
 * cannot be read is ignored: nothing on this line can do more than ring.
 */
export function openBell(options: BellOptions, listener: BellListener): Bell {
  const clock = options.clock ?? systemClock
  const log = options.log ?? silentLog
  const address = socketAddress(options)

  let state: BellState = { kind: 'connecting', failure: null }
  let socket: WebSocket | null = null
  let open = true
  let attempts = 0
  let sayable = false
  let lastUnclean = false
  let stopRetry = () => {}
  let stopTimers = () => {}
  const ring = calmed(clock, calmMs, () => listener.onRing())
  const metadata = calmed(clock, calmMs, () => listener.onMetadataWanted())

  const turn = (next: BellState) => {
    if (JSON.stringify(next) === JSON.stringify(state)) return
    state = next
    log('bell.state', { state: next.kind, failure: next.kind === 'connecting' ? next.failure?.code : undefined })
    listener.onState(next)
  }

  const later = (milliseconds: number) => {
    stopRetry()
    stopRetry = clock.after(milliseconds, connect)
  }

  const connect = () => {
    if (!open) return
    if (!address.ok) return turn({ kind: 'connecting', failure: address.error })
    const token = new TextDecoder().decode(options.workerToken.reveal())
    if (!tokenText.safeParse(token).success) {
      return turn({
        kind: 'rejected',
        reason: 'The token that is kept for the server is not one. Enrol the station again.',
      })
    }
    socket = attach(
      new WebSocket(address.value.url, {
        headers: { token, 'user-agent': options.userAgent ?? 'signing-station' },
        ca: [...address.value.trust.ca],
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        followRedirects: false,
        perMessageDeflate: false,
        maxPayload: maxMessageBytes,
      }),
    )
  }

  const attach = (line: WebSocket): WebSocket => {
    let failure: ServerFailure | null = null
    let rejected: string | null = null
    let accepted = false
    let planned = false
    let heard = clock.now().getTime()
    let pinged = heard
    const since = (time: number) => clock.now().getTime() - time
    const alive = () => {
      heard = clock.now().getTime()
    }
    const stopHandshake = clock.after(limits.connectMs, () => {
      failure ??= serverFailure(
        'server-unreachable',
        'The server did not accept the connection in time. It is tried again.',
      )
      line.terminate()
    })
    let stopTick = () => {}
    let stopAgain = () => {}
    const tick = () => {
      if (since(heard) > silenceMs) {
        failure = serverFailure(
          'server-unreachable',
          'The server fell silent. The connection is made anew.',
          `${since(heard)} ms`,
        )
        line.terminate()
        return
      }
      // Asked at half time, so that the silence of a living server ends before the verdict.
      if (
        line.readyState === WebSocket.OPEN &&
        (since(pinged) >= pingMs || since(Math.max(heard, pinged)) >= silenceMs / 2)
      ) {
        pinged = clock.now().getTime()
        line.ping()
      }
      stopTick = clock.after(tickMs, tick)
    }
    stopTimers = () => {
      stopHandshake()
      stopTick()
      stopAgain()
    }

    const connected = () => {
      if (accepted) return
      accepted = true
      attempts = 0
      turn({ kind: 'connected' })
      if (lastUnclean) {
        lastUnclean = false
        stopAgain = clock.after(againMs, () => {
          planned = true
          line.close(1000)
        })
      }
      void learnDialect()
    }
    const learnDialect = async () => {
      const dialect = await options.dialect()
      if (socket === line) sayable = dialect.ok && dialect.value === '0.16'
    }

    line.on('open', () => {
      stopHandshake()
      alive()
      stopTick = clock.after(tickMs, tick)
    })
    line.on('ping', alive)
    line.on('pong', alive)
    line.on('message', (data, isBinary) => {
      alive()
      if (isBinary || !(data instanceof Buffer) || socket !== line) return
      const json = parseJson(data.toString('utf8'))
      const message = json.ok ? bellMessage.safeParse(json.value) : null
      if (message?.success !== true) return
      const { type, text, reason, reason_code: code } = message.data
      switch (type) {
        case 'websocket.send':
          if (text === 'connected') connected()
          else if (text === 'work_request_available') ring.call()
          else if (text === 'request_dynamic_metadata') metadata.call()
          return
        case 'connection_rejected':
        case 'connection_closed':
          if (code === 'TOKEN_DISABLED') {
            rejected =
              type === 'connection_rejected'
                ? 'The server does not accept this station yet: an administrator has to enable it, or its token is unknown there.'
                : 'An administrator has disabled this station at the server.'
          } else {
            failure = serverFailure(
              'server-error',
              'The server cannot take connections now. It is tried again.',
              quoted(reason ?? ''),
            )
          }
          return
        default:
          return
      }
    })
    line.on('unexpected-response', (request, response) => {
      const status = response.statusCode ?? 0
      failure ??= serverFailure(
        status >= 500 || status === 429 ? 'server-error' : 'server-answer-invalid',
        `The server did not open the message line (${status}). It is tried again.`,
      )
      request.destroy()
      line.terminate()
    })
    line.on('error', (error) => {
      failure ??= connectionFailure(error, 'wait for work')
    })
    line.on('close', (code) => {
      stopTimers()
      sayable = false
      if (socket === line) socket = null
      if (!open) return
      // No close frame: the server may count the old socket as ours for a while.
      if (accepted && code === 1006) lastUnclean = true
      if (rejected !== null) {
        turn({ kind: 'rejected', reason: rejected })
        later(rejectedMs + clock.random() * rejectedMs)
      } else if (planned) {
        turn({ kind: 'connecting', failure: null })
        later(0)
      } else {
        turn({ kind: 'connecting', failure })
        later(backOff(clock, attempts++, reconnectBaseMs, reconnectCapMs))
      }
    })
    return line
  }

  const send = (message: Readonly<Record<string, unknown>>) => {
    if (!sayable || socket === null || socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > maxWaitingBytes)
      return
    socket.send(JSON.stringify({ ...message, timestamp: clock.now().toISOString() }))
  }

  connect()

  return {
    get state() {
      return state
    },
    say: (workRequestId: WorkRequestId, line: string) => {
      const data = quoted(line, 1000)
      if (data !== '') send({ type: 'log_data', work_request_id: workRequestId, data: `${data}\n`, stream: 'internal' })
    },
    sayEnd: (workRequestId: WorkRequestId, exitCode: number) =>
      send({ type: 'log_data_end', work_request_id: workRequestId, exit_code: exitCode }),
    close: () => {
      open = false
      stopRetry()
      stopTimers()
      ring.stop()
      metadata.stop()
      turn({ kind: 'closed' })
      const line = socket
      socket = null
      if (line === null) return Promise.resolve()
      return new Promise((resolve) => {
        const giveUp = clock.after(2000, () => line.terminate())
        line.once('close', () => {
          giveUp()
          resolve()
        })
        // `close` while the handshake runs gives an error event first; it is ours.
        line.close(1000)
      })
    },
  }
}

function socketAddress(options: BellOptions): Result<{ readonly url: URL; readonly trust: Trust }, ServerFailure> {
  const base = apiBase(options.apiUrl)
  if (!base.ok) return err(base.error)
  const trust = readTrust(options.caPem, options.alsoSystemCas)
  if (!trust.ok) return err(trust.error)
  const url = new URL('../ws/1.0/worker/connect/', base.value)
  url.protocol = 'wss:'
  return { ok: true, value: { url, trust: trust.value } }
}
