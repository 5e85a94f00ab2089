// Fields of the contract that carry secrets. A field that is an object under the same name (the token of a key) holds none.
const secretFields = new Set(['pin', 'officerPin', 'token', 'activationToken'])

/**
 * An error with its stack, its own fields and its causes, as text for the log, but without the secrets that stood in the input
 * of the call: a library may have put a PIN into the text of its error, and the log outlives the PIN.
 */
export function describeWithoutSecrets(error: unknown, input: unknown): string {
  let text = describe(error, 0)
  // Also as JSON writes it: a quotation mark in a PIN has a backslash before it there.
  for (const secret of secretsIn(input))
    for (const form of [secret, JSON.stringify(secret).slice(1, -1)]) text = text.replaceAll(form, '[secret]')
  return text
}

function describe(error: unknown, depth: number): string {
  if (!(error instanceof Error)) return `thrown: ${asJson(error)}`
  const fields = asJson(Object.fromEntries(Object.entries(error)))
  const cause = error.cause === undefined || depth === 4 ? '' : `\ncaused by ${describe(error.cause, depth + 1)}`
  return `${error.stack ?? `${error.name}: ${error.message}`}${fields === '{}' ? '' : `\nfields ${fields}`}${cause}`
}

function asJson(value: unknown): string {
  try {
    const text: unknown = JSON.stringify(value)
    return typeof text === 'string' ? text.slice(0, 4000) : 'nothing that JSON knows'
  } catch {
    return 'a value that is no JSON'
  }
}

function secretsIn(input: unknown): readonly string[] {
  if (typeof input !== 'object' || input === null) return []
  return Object.entries(input).flatMap(([name, value]) =>
    secretFields.has(name) && typeof value === 'string' && value !== '' ? [value] : [],
  )
}
