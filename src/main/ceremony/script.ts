import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { CeremonyPlan, ReadScript, ScriptSource } from '../../shared/ceremony.ts'
import { type CeremonyScript, type CeremonyStep, ceremonyScript } from '../../shared/ceremony-script.ts'
import type { Failure } from '../../shared/failure.ts'
import { sha256Hex } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { canonicalBytes } from '../canonical/canonical-json.ts'
import { duplicateMember } from './duplicate-member.ts'

/** More than a ceremony of a day. */
export const maxScriptBytes = 256 * 1024

export type ScriptFailure = Failure<'script-unreadable' | 'script-wrong' | 'parameter-missing'>

/** Reads a script. The failure's sentence names the place in the script. Parameters stand in it as they are. */
export function parseScript(
  bytes: Uint8Array,
): Result<{ readonly script: CeremonyScript; readonly sha256: ReadScript['sha256'] }, ScriptFailure> {
  const sha256 = digestOf(bytes)
  const raw = readJson(bytes)
  if (!raw.ok) return raw
  // Values of parameters are looked at when they are known: a number of an object is none before that.
  const draft = withParameters(raw.value, sampleParameters(raw.value))
  const script = checked(draft)
  if (!script.ok) return script
  const unknown = unknownParameter(raw.value, script.value)
  return unknown === null
    ? ok({ script: script.value, sha256 })
    : err(wrong(`It uses \${${unknown}}, and has no such parameter.`))
}

/** The script with its parameters filled in, as it will be carried out. */
export function planOf(
  bytes: Uint8Array,
  typed: Readonly<Record<string, string>>,
): Result<CeremonyPlan, ScriptFailure> {
  const read = parseScript(bytes)
  if (!read.ok) return read
  const raw = readJson(bytes)
  if (!raw.ok) return raw
  const parameters: Record<string, string> = {}
  for (const { id, label, value } of read.value.script.parameters) {
    const given = (typed[id] ?? value).trim()
    if (given === '') return err(missing(label))
    parameters[id] = given
  }
  const script = checked(withParameters(raw.value, parameters))
  if (!script.ok) return script
  const planSha256 = digestOf(canonicalBytes(plainScript(script.value)))
  return ok({ script: script.value, scriptSha256: read.value.sha256, planSha256, parameters })
}

/** Without members that are not there: canonical JSON has no form for `undefined`. */
export function plainScript(script: CeremonyScript): unknown {
  return JSON.parse(JSON.stringify(script))
}

export function readFrom(source: ScriptSource, bytes: Uint8Array): Result<ReadScript, ScriptFailure> {
  const read = parseScript(bytes)
  return read.ok ? ok({ source, ...read.value }) : read
}

function readJson(bytes: Uint8Array): Result<unknown, ScriptFailure> {
  if (bytes.length > maxScriptBytes) return err(unreadable(`It is larger than ${maxScriptBytes / 1024} KiB.`))
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    const twice = duplicateMember(text)
    return twice === null ? ok(value) : err(unreadable(`The member “${twice}” stands twice in one object.`))
  } catch (error) {
    // JSON.parse and the decoder say where, in a sentence of their own.
    return err(unreadable(error instanceof Error ? `${error.message}.` : 'It is no JSON.'))
  }
}

const parameterMark = /\$\{([^{}]*)\}/g

/** In every text of the script but in the parameters themselves. */
function withParameters(value: unknown, parameters: Readonly<Record<string, string>>): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, name === 'parameters' ? member : filled(member, parameters)]),
  )
}

function filled(value: unknown, parameters: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string')
    return value.replace(parameterMark, (mark, name: string) =>
      Object.hasOwn(parameters, name) ? (parameters[name] ?? mark) : mark,
    )
  if (Array.isArray(value)) return value.map((item) => filled(item, parameters))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filled(member, parameters)]))
}

/** To look at a script before anything is typed: what has no value yet is given one that fits most places. */
function sampleParameters(raw: unknown): Record<string, string> {
  const list =
    typeof raw === 'object' && raw !== null && 'parameters' in raw && Array.isArray(raw.parameters)
      ? raw.parameters
      : []
  return Object.fromEntries(
    list.flatMap((each: unknown) => {
      if (typeof each !== 'object' || each === null || !('id' in each) || typeof each.id !== 'string') return []
      const value = 'value' in each && typeof each.value === 'string' ? each.value : ''
      return [[each.id, value === '' ? '0001' : value]]
    }),
  )
}

function unknownParameter(raw: unknown, script: CeremonyScript): string | null {
  const known = new Set(script.parameters.map(({ id }) => id))
  const used = [...JSON.stringify(raw).matchAll(parameterMark)].map(([, name = '']) => name)
  return used.find((name) => !known.has(name)) ?? null
}

function checked(value: unknown): Result<CeremonyScript, ScriptFailure> {
  const parsed = ceremonyScript.safeParse(value)
  if (!parsed.success) return err(wrong(sentenceOf(parsed.error, value)))
  const problem = referenceProblem(parsed.data)
  return problem === null ? ok(parsed.data) : err(wrong(problem))
}

/** The first thing that is wrong, with its place: `steps[3].kind`. */
function sentenceOf(error: z.ZodError, value: unknown): string {
  const [issue] = error.issues
  if (issue === undefined) return 'It does not have the form of a script.'
  const place = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
  const where = place === '' ? 'The script' : place
  const found = issue.path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined),
    value,
  )
  switch (issue.code) {
    case 'unrecognized_keys':
      return `${where} has a member that is not known: “${issue.keys.join('”, “')}”.`
    case 'invalid_union':
      return place.endsWith('.kind')
        ? `${where}: there is no step of the kind ${found === undefined ? 'that is left out' : `“${JSON.stringify(found).replaceAll('"', '').slice(0, 60)}”`}.`
        : `${where}: this is none of the forms that are possible there.`
    case 'invalid_type':
      return found === undefined
        ? `${where} is missing.`
        : `${where}: ${issue.message.replace(/^Invalid input: /, '')}.`
    case 'custom':
      return `${where} ${issue.message}.`
    default:
      return `${where}: ${issue.message}.`
  }
}

/** Names are used once, and before they are spoken of. */
function referenceProblem({ steps, keys, parameters }: CeremonyScript): string | null {
  const doubled = twice(parameters.map(({ id }) => id))
  if (doubled !== null) return `parameters: “${doubled}” stands there twice.`
  const seen = new Map<string, number>()
  const devices = new Set<string>()
  const known = new Set(keys.map(({ key }) => key))
  if (known.size < keys.length) return `keys: “${twice(keys.map(({ key }) => key)) ?? ''}” stands there twice.`
  for (const [index, step] of steps.entries()) {
    const at = `steps[${index}]`
    const before = seen.get(step.id)
    if (before !== undefined) return `${at}.id: “${step.id}” is the id of steps[${before}] already.`
    seen.set(step.id, index)
    const problem = stepProblem(step, at, { devices, keys: known, steps, index })
    if (problem !== null) return problem
    if (step.kind === 'inspect-device') devices.add(step.device)
    if (step.kind === 'generate-key' || step.kind === 'import-key') known.add(step.key)
    if (step.kind === 'answers') {
      const question = twice(step.questions.map(({ id }) => id))
      if (question !== null) return `${at}.questions: “${question}” stands there twice.`
    }
  }
  return null
}

function stepProblem(
  step: CeremonyStep,
  at: string,
  known: {
    readonly devices: ReadonlySet<string>
    readonly keys: ReadonlySet<string>
    readonly steps: readonly CeremonyStep[]
    readonly index: number
  },
): string | null {
  if ('device' in step) {
    const inspected = known.devices.has(step.device)
    if (step.kind === 'inspect-device') {
      if (inspected) return `${at}.device: “${step.device}” was inspected in an earlier step.`
    } else if (!inspected) return `${at}.device: no earlier step inspects a device “${step.device}”.`
  }
  if ('key' in step && step.key !== undefined) {
    const made = step.kind === 'generate-key' || step.kind === 'import-key'
    if (made && known.keys.has(step.key)) return `${at}.key: “${step.key}” is another key already.`
    if (!made && !known.keys.has(step.key)) return `${at}.key: no earlier step makes or brings a key “${step.key}”.`
  }
  if (step.kind === 'confirm-words' && step.what !== 'script' && step.key === undefined)
    return `${at}.key is missing: whose ${step.what} is read aloud?`
  if (step.kind === 'restore-test' && step.from !== null) {
    const from = known.steps.findIndex(({ id }) => id === step.from)
    if (from < 0 || from >= known.index || known.steps[from]?.kind !== 'wrap-backup')
      return `${at}.from: no earlier step “${step.from}” makes a backup.`
  }
  return null
}

function twice(names: readonly string[]): string | null {
  return names.find((name, index) => names.indexOf(name) !== index) ?? null
}

function digestOf(bytes: Uint8Array) {
  return sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
}

function unreadable(why: string): ScriptFailure {
  return { kind: 'invalid', code: 'script-unreadable', message: `The script cannot be read. ${why} Nothing was begun.` }
}
function wrong(why: string): ScriptFailure {
  return { kind: 'invalid', code: 'script-wrong', message: `The script is not right. ${why} Nothing was begun.` }
}
function missing(label: string): ScriptFailure {
  return { kind: 'invalid', code: 'parameter-missing', message: `“${label}” is not filled in. Nothing was begun.` }
}
