import { hash } from 'node:crypto'

// RFC 6962 §2.1, RFC 9162 §2.1. A hash is 32 bytes. Sizes and indexes are safe integers, so nothing here uses bit operators,
// which JavaScript cuts to 32 bits.

/** MTH of the empty list: SHA-256 of nothing. */
export const emptyRoot: Uint8Array = hash('sha256', new Uint8Array(), 'buffer')

/** A proof for 2^53 leaves has no more hashes than this. */
export const maxProofHashes = 54

/** Bytes to hash; made once, as one is hashed for each entry of a log. */
const nodeInput = Buffer.alloc(65, 1)

/** Inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== 32 || right.length !== 32) throw new Error('a hash of a tree has 32 bytes')
  nodeInput.set(left, 1)
  nodeInput.set(right, 33)
  return hash('sha256', nodeInput, 'buffer')
}

/** A complete subtree: the 2^level leaves from `index · 2^level` on. */
export interface Subtree {
  readonly level: number
  readonly index: number
}

/**
 * The largest complete subtrees that together are the leaves `start` up to, not including, `end`, from left to right: at
 * most two of each level. The left parts of a Merkle tree, the right edge, and what an export leaves out are all such lists.
 */
export function completeSubtrees(start: number, end: number): readonly Subtree[] {
  const found: Subtree[] = []
  let at = start
  while (at < end) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1
    found.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return found
}

/** The right edge of a tree that grows: one hash for each complete subtree of `completeSubtrees(0, size)`. */
export interface GrowingTree {
  readonly size: () => number
  /** Adds a complete subtree of 2^level leaves (0: one leaf). False, and nothing added, where one of that level cannot begin. */
  readonly add: (level: number, hash: Uint8Array) => boolean
  /** MTH of all leaves so far. */
  readonly root: () => Uint8Array
  readonly edge: () => readonly Uint8Array[]
}

/** Levels whose hashes are stored: one for 256 of the level below, so a proof reads a few hundred hashes at most. */
export const storedLevelStep = 8

/**
 * A tree of which only the right edge is kept: at most 53 hashes, whatever its size. `onNode` is told each inner node that
 * becomes complete.
 */
export function growTree(onNode?: (subtree: Subtree, hash: Uint8Array) => void): GrowingTree {
  let size = 0
  const levels: number[] = []
  const hashes: Uint8Array[] = []
  return {
    size: () => size,
    add: (level, hash) => {
      const leaves = 2 ** level
      if (!Number.isSafeInteger(size + leaves) || size % leaves !== 0) return false
      size += leaves
      let top = level
      let merged = hash
      while (levels.at(-1) === top) {
        const left = hashes.pop()
        levels.pop()
        // There is one, as there was a level; the compiler cannot know.
        if (left === undefined) return false
        merged = nodeHash(left, merged)
        top += 1
        onNode?.({ level: top, index: size / 2 ** top - 1 }, merged)
      }
      levels.push(top)
      hashes.push(merged)
      return true
    },
    root: () => (hashes.length === 0 ? emptyRoot : foldRight(hashes)),
    edge: () => [...hashes],
  }
}

/** MTH of neighbouring complete subtrees whose levels fall from left to right. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** Leaves `start` up to, not including, `end`. */
export interface LeafRange {
  readonly start: number
  readonly end: number
}

/** RFC 9162 §2.1.3.1: the hash of each of these ranges is one line of the proof that leaf `index` is in the tree of `size`. */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  const path: LeafRange[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + split(end - start)
    if (index < middle) {
      path.unshift({ start: middle, end })
      end = middle
    } else {
      path.unshift({ start, end: middle })
      start = middle
    }
  }
  return path
}

/** RFC 9162 §2.1.4.1: the same for the proof that the tree of `size` begins with the tree of `oldSize`. */
export function consistencyRanges(oldSize: number, size: number): readonly LeafRange[] {
  if (oldSize === 0 || oldSize === size) return []
  const path: LeafRange[] = []
  let start = 0
  let end = size
  while (end !== oldSize) {
    const middle = start + split(end - start)
    if (oldSize <= middle) {
      path.unshift({ start: middle, end })
      end = middle
    } else {
      path.unshift({ start, end: middle })
      start = middle
    }
  }
  // The old root itself is known to whoever checks the proof.
  if (start > 0) path.unshift({ start, end })
  return path
}

/** The largest power of two that is smaller than `size`; size is at least 2. */
function split(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isPlace(index, size)) return false
  let fn = index
  let sn = size - 1
  let computed = leaf
  for (const sibling of proof) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      computed = nodeHash(sibling, computed)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else {
      computed = nodeHash(computed, sibling)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && sameHash(computed, root)
}

/** RFC 9162 §2.1.4.2; the empty tree is the beginning of every tree, and a tree of itself, both with an empty proof. */
export function verifyConsistency(
  oldSize: number,
  oldRoot: Uint8Array,
  size: number,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(size) || oldSize < 0 || oldSize > size) return false
  if (oldSize === 0) return proof.length === 0 && sameHash(oldRoot, emptyRoot)
  if (oldSize === size) return proof.length === 0 && sameHash(oldRoot, root)
  const hashes = Number.isInteger(Math.log2(oldSize)) ? [oldRoot, ...proof] : proof
  const [first, ...rest] = hashes
  if (first === undefined) return false
  let fn = oldSize - 1
  let sn = size - 1
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  let old = first
  let computed = first
  for (const sibling of rest) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      old = nodeHash(sibling, old)
      computed = nodeHash(sibling, computed)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else {
      computed = nodeHash(computed, sibling)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && sameHash(old, oldRoot) && sameHash(computed, root)
}

function isPlace(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size
}

/** Roots and leaves are public, so the comparison need not take the same time always. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false
  return true
}
