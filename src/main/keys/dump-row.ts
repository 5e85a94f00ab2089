import { z } from 'zod'
import type { Failure } from '../../shared/failure.ts'
import type { SealedKey } from './software/sealed-record.ts'

/** One row of debusine-signing's table of keys, or what is wrong with its form. Nothing in it is checked but that. */
export type DumpRow =
  | {
      readonly place: number
      readonly purpose: string
      readonly fingerprint: string
      readonly record: DumpRecord
      readonly publicKey: Buffer
      readonly createdAt: string | null
    }
  | { readonly place: number; readonly problem: string }

/** Where the private key is. `other`: of a storage that is not known here, with its word if it has one; `malformed`: nothing of that. */
export type DumpRecord =
  | { readonly storage: 'nacl'; readonly sealed: SealedKey }
  | { readonly storage: 'pkcs11-static'; readonly uri: string }
  | { readonly storage: 'other'; readonly word: string }
  | { readonly storage: 'malformed' }

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)
const nacl = z.object({
  storage: z.literal('nacl'),
  public_key: base64.length(44),
  /** As long as the token process takes. */
  encrypted: base64.min(64).max(32_768),
})
const pkcs11 = z.object({ storage: z.literal('pkcs11-static'), pkcs11_uri: z.string().startsWith('pkcs11:') })
const other = z.object({ storage: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/) })

/** Reads the column `private_key`; what is kept of it is a few strings, whatever it was. */
export function recordOf(value: unknown): DumpRecord {
  const sealed = nacl.safeParse(value)
  if (sealed.success)
    return { storage: 'nacl', sealed: { publicKey: sealed.data.public_key, encrypted: sealed.data.encrypted } }
  const uri = pkcs11.safeParse(value)
  if (uri.success) return { storage: 'pkcs11-static', uri: uri.data.pkcs11_uri }
  const word = other.safeParse(value)
  if (!word.success || word.data.storage === 'nacl' || word.data.storage === 'pkcs11-static')
    return { storage: 'malformed' }
  return { storage: 'other', word: word.data.storage }
}

/** Bytes of one row; the largest of a real key (RSA 4096) has 12 KiB. */
export const maxRowBytes = 64 * 1024

export const truncated: Failure<'dump-truncated'> = {
  kind: 'invalid',
  code: 'dump-truncated',
  message: 'The dump ends in the middle. Nothing was taken. Copy it again, or make it anew.',
}
export const tooMany: Failure<'dump-too-many'> = {
  kind: 'invalid',
  code: 'dump-too-many',
  message: 'The dump has more than 2,000 rows of keys; no signing service has. Nothing was taken.',
}
export function malformed(what: string): Failure<'dump-malformed'> {
  return { kind: 'invalid', code: 'dump-malformed', message: `The dump is malformed: ${what}. Nothing was taken.` }
}

/** Parsed, or null; JSON that is nothing has no other meaning. */
export function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
