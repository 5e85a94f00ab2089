import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { entryUrl } from '../../digest/entry-url.ts'
import { createReviewDesk, type ReviewDesk } from '../review-desk.ts'

const root = new URL('../../index.ts', import.meta.url).href

/** A review desk over the real process, with what it told and logged. */
export function reviewBench(folder: string): {
  readonly desk: ReviewDesk
  readonly folder: string
  readonly told: number[]
  readonly lines: string[]
} {
  const told: number[] = []
  const lines: string[] = []
  const own = mkdtempSync(join(folder, 'review-'))
  return { desk: reviewDeskIn(own, told, lines), folder: own, told, lines }
}

export function reviewDeskIn(folder: string, told: number[] = [], lines: string[] = []): ReviewDesk {
  return createReviewDesk({
    node: process.execPath,
    entry: entryUrl('log-reader', root),
    folder,
    log: (event, fields) => lines.push(`${event} ${JSON.stringify(fields)}`),
    now: () => new Date('2026-05-01T00:00:00.000Z'),
    onProgress: (_source, done, _total, unit) => {
      if (unit === 'entries') told.push(done)
    },
  })
}

export function orThrow<T>(
  result:
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly error: { readonly message: string } },
): T {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}
