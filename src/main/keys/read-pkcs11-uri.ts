/** What a URI of another program says of a private key (RFC 7512): the parts that name it, decoded, and what is doubtful about it. */
export type KeyInUri = {
  readonly token: string | null
  readonly manufacturer: string | null
  readonly model: string | null
  readonly serial: string | null
  /** Its label, which no standard makes unique: shown, never used to choose a key. */
  readonly object: string | null
  /** CKA_ID as hex; null: the URI names none, or none that can be read. */
  readonly ckaId: string | null
  readonly warnings: readonly string[]
}

/** As far as one is read; nothing names a key in more. */
const maxLength = 4096

const unescapedId = /^[0-9a-fA-F]{4}$/

/**
 * Reads a URI that an administrator wrote for libp11 or debusine. Attributes of path and query are taken from either side: debusine's
 * how-to puts `pin-source` into the path, the standard into the query. A PIN, or where one lies, is never in the answer: it is told
 * that there is one. debusine's how-to also has the operator write a YubiHSM's object id as four bare hex digits, `id=0064`, which
 * the standard reads as four other bytes, the text "0064": it is taken for what was meant, with a warning that names the right form.
 * Null: not a URI of this kind.
 */
export function readPkcs11Uri(uri: string): KeyInUri | null {
  if (!uri.startsWith('pkcs11:') || uri.length > maxLength) return null
  const values = new Map<string, string>()
  for (const part of uri.slice('pkcs11:'.length).split(/[;?&]/)) {
    const at = part.indexOf('=')
    // RFC 7512 §2.3: no attribute twice. Of two, it is not known which the other program would take.
    if (at > 0 && values.has(part.slice(0, at))) return null
    if (at > 0) values.set(part.slice(0, at), part.slice(at + 1))
  }
  const warnings: string[] = []
  if (values.has('pin-value'))
    warnings.push('It has a PIN in it: whoever can read the URI has the PIN. Change the PIN of the token.')
  if (values.has('pin-source'))
    warnings.push('It names a file with the PIN: whoever can read that file has the PIN. Change the PIN of the token.')
  const text = (name: string) => {
    const value = values.get(name)
    return value === undefined ? null : (decoded(value)?.toString('utf8') ?? null)
  }
  const named = {
    token: text('token'),
    manufacturer: text('manufacturer'),
    model: text('model'),
    serial: text('serial'),
  }
  return { ...named, object: text('object'), ckaId: idOf(values.get('id'), named.model, warnings), warnings }
}

function idOf(written: string | undefined, model: string | null, warnings: string[]): string | null {
  if (written === undefined) return null
  // Other tokens have ids of any length, so that four characters may be meant as they stand.
  const maybeYubiHsm = model === null || model.startsWith('YubiHSM')
  if (maybeYubiHsm && unescapedId.test(written)) {
    const id = written.toLowerCase()
    warnings.push(
      `Its id=${written} is not escaped: by the standard that is the text “${written}”. It is read as the object 0x${id}, which is written id=%${id.slice(0, 2)}%${id.slice(2)}.`,
    )
    return id
  }
  const bytes = decoded(written)
  return bytes === null || bytes.length === 0 || bytes.length > 128 ? null : bytes.toString('hex')
}

/** Percent-decoded; null for a `%` without two hex digits. Text that is not escaped stands for its UTF-8. */
function decoded(written: string): Buffer | null {
  const parts: Buffer[] = []
  for (const [part, escaped, wrong] of written.matchAll(/%([0-9a-fA-F]{2})|(%)|[^%]+/g)) {
    if (wrong !== undefined) return null
    parts.push(escaped === undefined ? Buffer.from(part) : Buffer.from(escaped, 'hex'))
  }
  return Buffer.concat(parts)
}
