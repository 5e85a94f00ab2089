import { openCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
import { verifyCosignature } from './cosignature.ts'
import { decodeEntry, leafHash, noLeafHash } from './encode.ts'
import { compareAt, placeInBytes, sameAt, saysClockMovedBack, timeLength, writeHex } from './entry-place.ts'
import { checkpointFault, entries, rewritten, unlinked } from './findings.ts'
import { completeSubtrees, growTree, sameHash, verifyConsistency } from './merkle.ts'
import type { ConsistencyProof } from './proof-file.ts'
import type { VerifierKey } from './signed-note.ts'
import {
  type Doubt,
  doubts,
  type Facts,
  type Finding,
  finding,
  notCosigned,
  omittedCheckpoint,
  type Report,
  uncovered,
} from './verification.ts'

/** What is known about the log before it is read. */
export interface Expectations {
  readonly key: VerifierKey
  /** False: the key came with the log, and proves only that the log agrees with itself. */
  readonly keyFromOutside: boolean
  /** Checkpoints that were kept elsewhere, opened with `key`. */
  readonly known: readonly SignedCheckpoint[]
  /** Lead from a known checkpoint to a later one, for logs of which entries are left out. */
  readonly consistency: readonly ConsistencyProof[]
  readonly witnesses: readonly VerifierKey[]
  /** Reads each entry member by member too: its form, and which intents have no outcome. Takes several times as long. */
  readonly readEntries: boolean
}

/**
 * Takes a log in its order and keeps its right edge only, so memory does not grow with it. Each call gives the first fault, or
 * null; after a fault nothing more may be handed in. Whoever reads the log decides how: a file, a database, in slices.
 */
export interface LogVerifier {
  readonly size: () => number
  /** `stored`: the 64 bytes that the database keeps beside the entry, its leaf hash and that of the entry before. */
  entry(bytes: Uint8Array, stored?: Uint8Array): Finding | null
  /** `count` entries that are left out; `hashes` of the complete subtrees they are, from left to right. */
  omitted(count: number, hashes: readonly Uint8Array[]): Finding | null
  /** The signed note of a checkpoint; comes after exactly as many entries as it is for. */
  checkpoint(note: string): Finding | null
  /** Ends it: with the fault that was found by a call or by the reader, or null. */
  end(fault: Finding | null): Report
}

interface Known {
  readonly signed: SignedCheckpoint
  /** The known checkpoint that this one was shown to continue; null for those from outside. */
  readonly continues: number | null
  met: boolean
}

export function verifyLog(expected: Expectations): LogVerifier {
  const { key } = expected
  const tree = growTree()
  const known = knownInOrder(expected)
  // By the key: whoever has a key can give it any name.
  const cosigned = new Map<VerifierKey, Facts['cosigned'][number]>()
  const openIntents = new Set<number>()
  let read = 0
  let checkpoints = 0
  let lastCheckpoint: number | null = null
  let lastRoot: string | null = null
  let nextKnown = 0
  // Of the entry before: its leaf hash (null where it was left out), the same in hex, and its time.
  let leafBefore: Uint8Array | null = noLeafHash
  const hexBefore = Buffer.alloc(64, '0')
  const timeBefore = Buffer.alloc(timeLength, '0')

  function facts(): Facts {
    return {
      origin: key.name,
      size: tree.size(),
      read,
      omitted: tree.size() - read,
      checkpoints,
      lastCheckpoint,
      lastRoot,
      known: knownMet(known),
      cosigned: [...cosigned.values()],
      openIntents: expected.readEntries ? [...openIntents] : null,
    }
  }

  /** After every growth: a checkpoint from outside that is for this size must have this root. */
  function compareKnown(): Finding | null {
    const size = tree.size()
    for (
      let next = known[nextKnown];
      next !== undefined && next.signed.checkpoint.size <= size;
      next = known[nextKnown]
    ) {
      nextKnown += 1
      if (next.signed.checkpoint.size < size) continue
      if (!sameHash(tree.root(), next.signed.checkpoint.root)) return rewritten(lastMet(known, lastCheckpoint), size)
      next.met = true
    }
    return null
  }

  return {
    size: tree.size,

    entry: (bytes, stored) => {
      const seq = tree.size() + 1
      const leaf = leafHash(bytes)
      if (stored !== undefined && !sameAt(stored, 0, leaf))
        return finding(
          'entry-changed',
          [seq, seq],
          `Entry ${seq} does not have the hash that was stored with it: it was changed.`,
        )
      const place = placeInBytes(bytes)
      if (place === null) return finding('entry-malformed', [seq, seq], `Entry ${seq} is not an entry of an audit log.`)
      if (place.seq > seq)
        return finding(
          'entry-missing',
          [seq, place.seq - 1],
          `${entries(seq, place.seq - 1)} missing: the next one is ${place.seq}.`,
        )
      if (place.seq < seq)
        return finding(
          'entry-out-of-place',
          [seq, seq],
          `Where entry ${seq} belongs stands one that says it is entry ${place.seq}: put in, repeated or moved.`,
        )
      if (leafBefore !== null && !sameAt(bytes, place.prev, hexBefore)) return unlinked(seq)
      if (leafBefore !== null && stored !== undefined && !sameAt(stored, 32, leafBefore)) return unlinked(seq)
      if (compareAt(bytes, place.at, timeBefore) < 0 && !saysClockMovedBack(bytes))
        return finding(
          'clock-not-recorded',
          [seq, seq],
          `The clock went back at entry ${seq}, behind ${timeBefore.toString('latin1')}, and the log does not say so.`,
        )
      if (expected.readEntries) {
        const decoded = decodeEntry(bytes)
        if (!decoded.ok) return finding('entry-malformed', [seq, seq], `Entry ${seq} cannot be read: ${decoded.error}.`)
        const { body } = decoded.value
        if (body.event === 'intent') openIntents.add(seq)
        if (body.event === 'signed' || body.event === 'sign-failed') openIntents.delete(body.intentSeq)
      }
      tree.add(0, leaf)
      read += 1
      leafBefore = leaf
      writeHex(leaf, hexBefore)
      for (let index = 0; index < timeLength; index += 1) timeBefore[index] = bytes[place.at + index] ?? 0
      return known.length === 0 ? null : compareKnown()
    },

    omitted: (count, hashes) => {
      const size = tree.size()
      const range: readonly [number, number] = [size + 1, size + count]
      const subtrees = Number.isSafeInteger(size + count) ? completeSubtrees(size, size + count) : []
      if (subtrees.length === 0 || subtrees.length !== hashes.length)
        return finding(
          'omission-malformed',
          range,
          `The hashes that stand for entries ${range[0]} to ${range[1]} are not as many as they must be.`,
        )
      for (const [index, { level }] of subtrees.entries()) {
        const hash = hashes[index]
        if (hash?.length !== 32 || !tree.add(level, hash))
          return finding(
            'omission-malformed',
            range,
            `A hash that stands for entries ${range[0]} to ${range[1]} is malformed.`,
          )
        const fault = compareKnown()
        if (fault !== null) return fault
      }
      // Where the last hash is that of one entry, the next one can be checked to follow it.
      leafBefore = subtrees.at(-1)?.level === 0 ? (hashes.at(-1) ?? null) : null
      if (leafBefore !== null) writeHex(leafBefore, hexBefore)
      return null
    },

    checkpoint: (note) => {
      const size = tree.size()
      const opened = openCheckpoint(note, key)
      if (!opened.ok) return checkpointFault(opened.error, size)
      const { checkpoint } = opened.value
      if (checkpoint.size !== size)
        return finding(
          'checkpoint-out-of-place',
          null,
          `A checkpoint of ${checkpoint.size} entries stands after ${size} entries.`,
        )
      if (!sameHash(checkpoint.root, tree.root())) {
        const from = lastMet(known, lastCheckpoint)
        return finding(
          'checkpoint-root-wrong',
          [from + 1, size],
          `The checkpoint of ${size} entries is for other entries: something between entry ${from + 1} and entry ${size} was changed, left out, put in or written anew.`,
        )
      }
      for (const witness of expected.witnesses) {
        const verdict = verifyCosignature(opened.value.note, witness)
        if (verdict.kind === 'wrong')
          return finding(
            'cosignature-wrong',
            null,
            `The cosignature of ${witness.name} on the checkpoint of ${size} entries is wrong.`,
          )
        if (verdict.kind === 'verified') cosigned.set(witness, { witness: witness.name, size, time: verdict.time })
      }
      checkpoints += 1
      lastCheckpoint = size
      lastRoot = Buffer.from(checkpoint.root).toString('hex')
      return null
    },

    end: (fault) => {
      if (fault !== null) return { kind: 'tampered', finding: fault, facts: facts() }
      const size = tree.size()
      const largest = known.at(-1)?.signed.checkpoint.size ?? 0
      if (largest > size) {
        return {
          kind: 'tampered',
          finding: finding(
            'log-shorter',
            [size + 1, largest],
            `${entries(size + 1, largest)} missing at the end: a checkpoint that was kept elsewhere is for ${largest} entries.`,
          ),
          facts: facts(),
        }
      }
      const doubt = doubtsAbout(expected, facts(), known, (witness) => cosigned.has(witness))
      if (doubt.length > 0) return { kind: 'cannot-tell', doubts: doubt, facts: facts() }
      return { kind: 'verified', sentence: verifiedSentence(facts()), facts: facts() }
    },
  }
}

/** The checkpoints from outside and those that proofs lead to, ascending. */
function knownInOrder({ known, consistency, key }: Expectations): readonly Known[] {
  const all: Known[] = known.map((signed) => ({ signed, continues: null, met: false }))
  for (const proof of consistency) {
    const later = openCheckpoint(proof.checkpoint, key)
    if (!later.ok) continue
    for (const { checkpoint } of known) {
      const { size, root } = later.value.checkpoint
      if (
        checkpoint.size === proof.oldSize &&
        verifyConsistency(checkpoint.size, checkpoint.root, size, root, proof.hashes)
      )
        all.push({ signed: later.value, continues: checkpoint.size, met: false })
    }
  }
  return all.sort((a, b) => a.signed.checkpoint.size - b.signed.checkpoint.size)
}

function knownMet(known: readonly Known[]): readonly number[] {
  const sizes = known.filter(({ met }) => met).map(({ signed, continues }) => continues ?? signed.checkpoint.size)
  return [...new Set(sizes)].sort((a, b) => a - b)
}

/** Up to here the log is what a signature says it is. */
function lastMet(known: readonly Known[], lastCheckpoint: number | null): number {
  return Math.max(lastCheckpoint ?? 0, ...known.filter(({ met }) => met).map(({ signed }) => signed.checkpoint.size))
}

function doubtsAbout(
  expected: Expectations,
  facts: Facts,
  known: readonly Known[],
  isCosignedBy: (witness: VerifierKey) => boolean,
): readonly Doubt[] {
  const found: Doubt[] = []
  if (!expected.keyFromOutside) found.push(doubts.keyNotKnown)
  // One of no entries is the beginning of every log, and says nothing of its end.
  if (expected.known.every(({ checkpoint }) => checkpoint.size === 0)) found.push(doubts.noKnownCheckpoint)
  for (const { checkpoint } of expected.known)
    if (checkpoint.size > 0 && !facts.known.includes(checkpoint.size)) found.push(omittedCheckpoint(checkpoint.size))
  const covered = lastMet(known, facts.lastCheckpoint)
  if (covered === 0) found.push(doubts.noCheckpoint)
  else if (covered < facts.size) found.push(uncovered(covered + 1, facts.size))
  for (const witness of expected.witnesses) if (!isCosignedBy(witness)) found.push(notCosigned(witness))
  return found
}

function verifiedSentence({ size, omitted, known, checkpoints }: Facts): string {
  const left = omitted === 0 ? '' : ` ${omitted} of them are left out here, and shown to be only left out.`
  const newest = Math.max(...known)
  const after =
    newest === size
      ? ''
      : ` That entries were cut off behind entry ${size} cannot be excluded: the newest checkpoint from elsewhere is for ${newest}.`
  return `All ${size} entries are those that ${checkpoints === 1 ? 'a checkpoint was' : `${checkpoints} checkpoints were`} signed for, and the log contains the one of ${newest} entries that was kept elsewhere.${left}${after}`
}
