import { z } from 'zod'
import { type Channel, contract, type Input, maxMessageLength, type Output } from '../../shared/contract.ts'
import type { Failure } from '../../shared/failure.ts'
import { unreachable } from '../../shared/result.ts'
import { type Sender, stationOrigin } from '../desktop/desktop.ts'
import type { Log } from '../log/logger.ts'
import { describeWithoutSecrets } from './describe-error.ts'

/** Does what the window asked. The input is parsed already; what it gives back is parsed before it leaves. */
export type Handler<C extends Channel> = (input: Input<C>) => Promise<Output<C>> | Output<C>

/** A handler behind its schemas. Made by `bind` alone. */
export interface Binding<C extends Channel> {
  readonly channel: C
  readonly call: (input: unknown) => Promise<Called>
}

/** Every channel of the contract with its binding: one that is missing, or stands under another name, does not compile. */
export type Bindings = { readonly [C in Channel]: Binding<C> }

type Called =
  | { readonly kind: 'answered'; readonly answer: Output<Channel> }
  | { readonly kind: 'bad-input'; readonly issues: readonly string[] }
  | { readonly kind: 'bad-output'; readonly issues: readonly string[] }
  | { readonly kind: 'threw'; readonly error: unknown }

export interface Router {
  /** Answers one message; never rejects. The answer is the JSON of `{id, ok: true, value}` or `{id, ok: false, error}`. */
  readonly onMessage: (sender: Sender, text: string) => Promise<string>
  /** Refuses new calls from now on and resolves when those that run have ended. */
  readonly stop: () => Promise<void>
}

/** More at once than a person at a screen can ask for; beyond it the window is broken or hostile. */
export const maxConcurrentCalls = 64

interface Schema<T> {
  safeParse(raw: unknown): { success: true; data: T } | { success: false; error: z.ZodError }
}

// The contract seen channel by channel: indexing it with a generic channel keeps that channel's own types, so `bind` needs no cast.
const procedures: {
  readonly [C in Channel]: { readonly input: Schema<Input<C>>; readonly output: Schema<Output<C>> }
} = contract

const envelope = z.strictObject({ id: z.int().nonnegative(), channel: z.string().max(100), input: z.unknown() })

/** Puts a handler behind the schemas of its channel. */
export function bind<C extends Channel>(channel: C, handler: Handler<C>): Binding<C> {
  const { input, output } = procedures[channel]
  async function call(raw: unknown): Promise<Called> {
    const parsed = input.safeParse(raw)
    if (!parsed.success) return { kind: 'bad-input', issues: issuesOf(parsed.error) }
    try {
      const answer = output.safeParse(await handler(parsed.data))
      return answer.success
        ? { kind: 'answered', answer: answer.data }
        : { kind: 'bad-output', issues: issuesOf(answer.error) }
    } catch (error) {
      return { kind: 'threw', error }
    }
  }
  return { channel, call }
}

/**
 * The only receiver of what the window says. The window is untrusted (I7): everything about a message is the attacker's
 * choice but its sender, which the desktop adapter found out by itself.
 */
export function createRouter(bindings: Bindings, log: Log): Router {
  // A Map: a channel named `constructor` or `__proto__` is unknown, as any other word is.
  const byChannel = new Map<string, Binding<Channel>>(
    Object.values(bindings).map((binding) => [binding.channel, binding]),
  )
  const running = new Set<Promise<string>>()
  const complain = sparingly(log)
  let stopping = false

  async function onMessage(sender: Sender, text: string): Promise<string> {
    const reason = whyUntrusted(sender)
    if (reason !== null) {
      complain('router.sender-refused', { reason, origin: sender.origin.slice(0, 200), length: text.length })
      return reply(null, failures.sender)
    }
    if (text.length > maxMessageLength) {
      complain('router.message-too-long', { length: text.length, limit: maxMessageLength })
      return reply(null, failures.tooLong)
    }
    const message = envelope.safeParse(parseJson(text))
    if (!message.success) {
      complain('router.message-malformed', { length: text.length })
      return reply(null, failures.malformed)
    }
    const { id, channel, input } = message.data
    const binding = byChannel.get(channel)
    if (binding === undefined) {
      complain('router.channel-unknown', { channel })
      return reply(id, failures.unknownChannel)
    }
    if (stopping) return reply(id, failures.stopping)
    if (running.size >= maxConcurrentCalls) {
      complain('router.too-many-calls', { channel, limit: maxConcurrentCalls })
      return reply(id, failures.busy)
    }
    const call = answer(binding, id, input)
    running.add(call)
    try {
      return await call
    } finally {
      running.delete(call)
    }
  }

  async function answer(binding: Binding<Channel>, id: number, input: unknown): Promise<string> {
    const called = await binding.call(input)
    const channel = binding.channel
    switch (called.kind) {
      case 'answered':
        return JSON.stringify({ id, ...called.answer })
      case 'bad-input':
        complain('router.input-invalid', { channel, issues: called.issues })
        return reply(id, { ...failures.badInput, detail: called.issues.join('; ') })
      case 'bad-output':
        log('router.answer-defective', { channel, issues: called.issues })
        return reply(id, failures.defect)
      case 'threw':
        log('router.handler-failed', { channel, error: describeWithoutSecrets(called.error, input) })
        return reply(id, failures.defect)
      default:
        return unreachable(called)
    }
  }

  async function stop(): Promise<void> {
    stopping = true
    while (running.size > 0) await Promise.allSettled(running)
  }

  return { onMessage, stop }
}

function whyUntrusted(sender: Sender): string | null {
  if (!sender.isStationWindow) return 'another window'
  if (!sender.isMainFrame) return 'a frame inside the window'
  // Compared as a whole: a prefix test would accept https://station.invalid.evil.example.
  if (sender.origin !== stationOrigin) return 'another origin'
  return null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Where a value does not fit and what was expected, never the value: it may be a PIN. Names of unknown keys are the sender's words, hence cut. */
function issuesOf(error: z.ZodError): readonly string[] {
  return error.issues.slice(0, 8).map((issue) => `${issue.path.join('.').slice(0, 100) || 'input'}: ${issue.code}`)
}

function reply(id: number | null, error: Failure): string {
  return JSON.stringify({ id, ok: false, error })
}

/** A hostile window may complain a million times: the first hundred lines are written, then every power of two with the count. */
function sparingly(log: Log): Log {
  let count = 0
  return (event, fields = {}) => {
    count += 1
    if (count <= 100 || Number.isInteger(Math.log2(count))) log(event, { ...fields, complaints: count })
  }
}

const failures = {
  sender: {
    kind: 'refused',
    code: 'sender-not-trusted',
    message: 'The message did not come from the station’s own window. Nothing was done.',
  },
  tooLong: {
    kind: 'invalid',
    code: 'message-too-long',
    message: 'The message is longer than the station reads. Nothing was done.',
  },
  malformed: {
    kind: 'invalid',
    code: 'message-malformed',
    message: 'The message could not be read. Nothing was done.',
  },
  unknownChannel: {
    kind: 'invalid',
    code: 'channel-unknown',
    message: 'The station does not know what was asked. Nothing was done.',
  },
  badInput: {
    kind: 'invalid',
    code: 'input-invalid',
    message: 'What was asked is incomplete or out of bounds. Nothing was done; check the fields.',
  },
  stopping: { kind: 'unavailable', code: 'stopping', message: 'The station is closing. Nothing was done.' },
  busy: {
    kind: 'unavailable',
    code: 'too-many-calls',
    message: 'The station is busy with too many questions at once. Nothing was done; try again.',
  },
  defect: {
    kind: 'defect',
    code: 'defect',
    message:
      'The station program made an error; it is in the log. What was asked may have been done in part; look again before you repeat it.',
  },
} as const satisfies Record<string, Failure>
