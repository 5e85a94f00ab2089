/** Why a file is not one control paragraph that every tool reads alike. */
export type ControlFaultCode =
  | 'too-large'
  | 'too-many-lines'
  | 'too-many-fields'
  | 'line-too-long'
  | 'not-utf8'
  | 'control-character'
  | 'carriage-return'
  | 'no-final-newline'
  | 'no-fields'
  | 'blank-line'
  | 'several-paragraphs'
  | 'line-malformed'
  | 'field-twice'
  | 'frame-malformed'
  | 'text-outside-frame'

export interface ControlFault {
  readonly code: ControlFaultCode
  /** One sentence for the sheet. Line numbers count from 1 in the whole file. */
  readonly message: string
}

/** Bounds of a file that is read whole. What is above them is refused unread. */
export interface ControlLimits {
  readonly bytes: number
  readonly lines: number
  readonly lineBytes: number
  readonly fields: number
}

/**
 * The largest `.changes` and `.buildinfo` of Debian's archive are below 1 MB, and a signed document is kept in the database, where one
 * output has at most 1 MiB: there is room for the signature.
 */
export const controlLimits: ControlLimits = {
  bytes: 960 * 1024,
  lines: 50_000,
  lineBytes: 256 * 1024,
  fields: 100,
}

/** Debian unstable's `Release` has some 3,000 lines a checksum field; archives with many components and by-hash copies have more. */
export const releaseLimits: ControlLimits = {
  bytes: 32 * 1024 * 1024,
  lines: 500_000,
  lineBytes: 64 * 1024,
  fields: 100,
}
