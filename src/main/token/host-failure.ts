import { z } from 'zod'

/** Failures that a host can name. Sentences are made in main: what a module says never becomes prose. */
export const hostFailureCode = z.enum([
  'module-not-loadable',
  'token-absent',
  'token-removed',
  'token-ambiguous',
  'token-swapped',
  'key-absent',
  'key-ambiguous',
  'key-mismatch',
  'pin-incorrect',
  'pin-locked',
  'pin-last-try',
  'pin-length',
  'pin-wanted',
  'touch-timeout',
  'pin-each-time',
  'module-too-old',
  'mechanism-unsupported',
  'token-error',
  'service-key-absent',
  'service-key-unsafe',
  'sealed-damaged',
  'service-key-unwritable',
  /** Something is under the id already. The token was asked for nothing. */
  'id-occupied',
  /** The token took the request for what it does not do: no key was made. */
  'generation-refused',
  /** The token was asked to make a key, and what came of it is not known. */
  'generation-unclear',
  /** The token made the key and says that it can leave it. */
  'key-unprotected',
  'connector-silent',
  'log-not-permitted',
  'log-login-unsupported',
  'hsm-refused',
  'cancelled',
])
export type HostFailureCode = z.infer<typeof hostFailureCode>

/** `detail` is made of constants: a CKR name, a method, a file name; never of input. */
export const hostFailure = z.strictObject({ code: hostFailureCode, detail: z.string().max(1000) })
export type HostFailure = z.infer<typeof hostFailure>
