import { createHash } from 'node:crypto'
import { decodeEntry } from '../audit/format/encode.ts'

/** What a key made of a file, as its row says. */
export interface MadeOf {
  readonly requestId: string
  readonly ordinal: number
  readonly fingerprint: string
  /** Which of the keys of the file, from 1. */
  readonly position: number
}

/** Whether an entry of the log records that a key made these bytes: a row alone can be written by others, and is not believed. */
export function saysSigned(entry: Uint8Array | null, of: MadeOf, made: Uint8Array): boolean {
  const decoded = entry === null ? null : decodeEntry(entry)
  if (decoded?.ok !== true || decoded.value.body.event !== 'signed') return false
  const { body } = decoded.value
  return (
    body.requestId === of.requestId &&
    body.ordinal === of.ordinal &&
    body.fingerprint === of.fingerprint &&
    (body.key?.position ?? 1) === of.position &&
    body.outputSha256 === createHash('sha256').update(made).digest('hex')
  )
}
