import type { DatabaseSync } from 'node:sqlite'
import { parseVerifierKey, type VerifierKey } from '../../audit/format/signed-note.ts'
import type { Doubt } from '../../audit/format/verification.ts'
import type { Outcome } from '../../cli/verify-output.ts'
import type { ReadAnswer, ReadJob } from '../protocol.ts'
import {
  claimedSize,
  handedFor,
  headOfExport,
  kindOfLog,
  openDatabase,
  type Progress,
  type Unreadable,
  unreadable,
  verifyOpen,
  vkeyOf,
} from './read-log.ts'
import { compareTail, createUnsignedTail, type TailComparison, type UnsignedTail } from './unsigned-tail.ts'
import { readSafely } from './verify-known.ts'

type Compared = Extract<ReadAnswer<'compare'>, { kind: 'compared' }>

/** A log that is read for a comparison. */
interface Source {
  readonly path: string
  readonly file: DatabaseSync | null
  readonly key: VerifierKey | null
  readonly claimed: number | null
}

/**
 * Whether the newer log begins with the older one: the older one's last checkpoint is handed to the verifier of the newer as a
 * checkpoint that was kept elsewhere, and its tree is computed up to there. What the older log has behind its last checkpoint is signed
 * by nobody: it is compared entry by entry, and no verdict rests on it.
 */
export function compareLogs(job: Extract<ReadJob, { op: 'compare' }>, progress: Progress): ReadAnswer<'compare'> {
  const { older, newer, scratch } = job
  return using(older, scratch.older, progress, (first) =>
    using(newer, scratch.newer, progress, (second) => compare(first, second, progress)),
  )
}

function using<T>(path: string, scratch: string, progress: Progress, use: (source: Source) => T): T | Unreadable {
  return readSafely(path, () => {
    const what = kindOfLog(path)
    if (what.kind === 'unreadable') return unreadable(`${path}: ${what.sentence}`)
    const database = what.kind === 'database' ? openDatabase(path, scratch, progress) : null
    if (database !== null && 'kind' in database) return unreadable(`${path}: ${database.sentence}`)
    const file = database?.file ?? null
    try {
      const vkey = vkeyOf(path, file)
      const key = vkey === null ? null : parseVerifierKey(vkey)
      const claimed = file === null ? headOfExport(path).size : claimedSize(file)
      return use({ path, file, key: key?.ok === true ? key.value : null, claimed })
    } finally {
      database?.close()
    }
  })
}

function compare(older: Source, newer: Source, progress: Progress): Compared {
  const total = older.claimed === null || newer.claimed === null ? null : older.claimed + newer.claimed
  const base = {
    kind: 'compared',
    origin: older.key?.name ?? null,
    olderSize: null,
    newerSize: null,
    checkedBy: null,
  } as const
  if (older.key === null || newer.key === null)
    return {
      ...base,
      verdict: 'cannot-tell',
      sentence: 'One of the two logs names no key, so nothing in it is signed.',
    }
  if (older.key.name !== newer.key.name)
    return {
      ...base,
      verdict: 'cannot-tell',
      sentence: `These are the logs of two stations: ${older.key.name} and ${newer.key.name}. They have nothing in common to compare.`,
    }
  const notes: string[] = []
  const tail = createUnsignedTail()
  const first = verifyOpen(handedFor(older.path, { key: older.key }), older.file, {
    entry: (seq, bytes) => {
      tail.entry(seq, bytes)
      progress(seq, total)
    },
    checkpoint: (found) => {
      notes[0] = found
      tail.signed()
    },
  })
  const olderSize = sizeOf(first)
  if (first.kind === 'tampered' || first.kind === 'usage') return { ...base, ...bad('older', first), olderSize }
  const [note] = notes
  const known = note === undefined ? [] : [{ path: 'the older log', text: note }]
  const tails = compareTail(tail)
  const second = verifyOpen(handedFor(newer.path, { key: older.key, checkpoints: known }), newer.file, {
    entry: (seq, bytes) => {
      tails.entry(seq, bytes)
      progress((olderSize ?? 0) + seq, total)
    },
  })
  const sizes = { olderSize, newerSize: sizeOf(second) }
  const until = first.facts?.lastCheckpoint ?? 0
  if (second.kind === 'usage') return { ...base, ...sizes, ...bad('newer', second) }
  if (second.kind === 'tampered') {
    const shorter = second.finding.code === 'log-shorter'
    const sentence = shorter
      ? `The log given as the newer one has ${sizes.newerSize ?? 0} entries, the older one ${until}: entries ${(sizes.newerSize ?? 0) + 1} to ${until} were cut off, unless the two were exchanged when they were chosen. Nothing that is signed says which of them is the newer one; compare them the other way round.`
      : `The newer log does not begin with the older one: ${second.finding.sentence}`
    return { ...base, ...sizes, verdict: 'tampered', sentence }
  }
  const ofTail = tailWords(tail, tails, sizes, second.facts?.lastCheckpoint ?? 0)
  if (note === undefined)
    return {
      ...base,
      ...sizes,
      verdict: 'cannot-tell',
      sentence: ['The older log has no checkpoint to compare with.', ...ofTail].join(' '),
    }
  // That the older log has no checkpoint from elsewhere says nothing of whether the newer one continues it.
  const ofOlder = doubtsOf(first).filter(({ code }) => code !== 'no-known-checkpoint')
  const ofNewer = doubtsOf(second)
  const begins = second.facts?.known.includes(until) === true
  if (!begins || ofOlder.length > 0 || ofNewer.length > 0)
    return {
      ...base,
      ...sizes,
      verdict: 'cannot-tell',
      sentence: [
        begins
          ? `The newer log begins with the ${until} entries that the last checkpoint of the older one is for, but whether it begins with the whole older one, or is whole itself, cannot be told.`
          : 'It cannot be told whether the newer log begins with the older one.',
        ...ofOlder.map(({ sentence }) => `In the older log: ${sentence}`),
        ...ofTail,
        ...ofNewer.map(({ sentence }) => `In the newer log: ${sentence}`),
      ].join(' '),
    }
  const added = (sizes.newerSize ?? until) - until
  return {
    ...base,
    ...sizes,
    verdict: 'verified',
    checkedBy: 'tree',
    sentence: `The newer log begins with all ${until} entries of the older one, unchanged; ${added === 0 ? 'none was' : added === 1 ? '1 was' : `${added} were`} added.`,
  }
}

/** What was found of the entries that no checkpoint of the older log covers: whoever had that file could have written them anew. */
function tailWords(
  tail: UnsignedTail,
  tails: TailComparison,
  { olderSize, newerSize }: { readonly olderSize: number | null; readonly newerSize: number | null },
  signedInNewer: number,
): readonly string[] {
  const first = tail.first()
  if (first === null || olderSize === null) return []
  const [same, different] = [tails.sameUpTo(), tails.firstDifference()]
  const many = same === first ? `Entry ${first}` : `Entries ${first} to ${same}`
  const theSame =
    same === null
      ? []
      : [
          `${many}, which no checkpoint of the older log covers, ${same === first ? 'is' : 'are'} the same in both, compared one by one; ${
            signedInNewer >= same
              ? `a checkpoint of the newer log covers ${same === first ? 'it' : 'them'}.`
              : signedInNewer >= first
                ? `the last checkpoint of the newer log covers ${signedInNewer === first ? `entry ${first}` : `those up to entry ${signedInNewer}`}.`
                : 'no checkpoint of the newer log does either.'
          }`,
        ]
  const next = (same ?? first - 1) + 1
  if (different !== null)
    return [
      ...theSame,
      `Entry ${different} is the first that is not the same in both: one of the two was written anew, and no checkpoint of the older log says which.`,
    ]
  if (next > olderSize) return theSame
  const why = (newerSize ?? 0) < next ? 'the newer log has no more' : 'they were not all there to be compared'
  return [...theSame, `From entry ${next} on the older log was not compared: ${why}.`]
}

function doubtsOf(outcome: Outcome): readonly Doubt[] {
  return outcome.kind === 'cannot-tell' ? outcome.doubts : []
}

function sizeOf(outcome: Outcome): number | null {
  return outcome.kind === 'usage' ? null : (outcome.facts?.size ?? null)
}

function bad(
  which: 'older' | 'newer',
  outcome: Extract<Outcome, { kind: 'tampered' | 'usage' }>,
): Pick<Compared, 'verdict' | 'sentence'> {
  return outcome.kind === 'tampered'
    ? { verdict: 'tampered', sentence: `The ${which} log is not whole itself: ${outcome.finding.sentence}` }
    : { verdict: 'cannot-tell', sentence: `The ${which} log cannot be read: ${outcome.sentence}` }
}
