import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leafHash } from './encode.ts'
import {
  completeSubtrees,
  consistencyRanges,
  foldRight,
  growTree,
  inclusionRanges,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

// The eight leaves and their tree heads that the Certificate Transparency implementations share as test values for RFC 6962
// (google/certificate-transparency cpp/merkletree/merkle_tree_test.cc; transparency-dev/merkle testonly).
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const leaves = inputs.map((input) => leafHash(bytes(input)))

/** MTH by the recursive definition of RFC 6962 §2.1, as slow as it stands there. */
function treeHash(list: readonly Uint8Array[]): Uint8Array {
  const [only] = list
  if (only === undefined) return createHash('sha256').digest()
  if (list.length === 1) return only
  let split = 1
  while (split * 2 < list.length) split *= 2
  return nodeHash(treeHash(list.slice(0, split)), treeHash(list.slice(split)))
}

function grown(list: readonly Uint8Array[]) {
  const tree = growTree()
  for (const leaf of list) tree.add(0, leaf)
  return tree
}

const proof = (ranges: readonly { start: number; end: number }[], list: readonly Uint8Array[]) =>
  ranges.map(({ start, end }) => treeHash(list.slice(start, end)))

const many = (count: number) => Array.from({ length: count }, (_, index) => leafHash(Buffer.from(String(index))))

describe('a Merkle tree of RFC 6962', () => {
  it.each(roots.map((root, size) => [size, root] as const))('of %i test leaves has the known head', (size, root) => {
    expect(hex(grown(leaves.slice(0, size)).root())).toBe(root)
  })

  it.each([
    [0, 1, []],
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [
      1,
      5,
      [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('proves leaf %i of %i by the known hashes', (index, size, known) => {
    expect(proof(inclusionRanges(index, size), leaves).map(hex)).toEqual(known)
    expect(
      verifyInclusion(leaves[index] ?? Buffer.alloc(0), index, size, known.map(bytes), bytes(roots[size] ?? '')),
    ).toBe(true)
  })

  it.each([
    [1, 1, []],
    [
      1,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('proves that the tree of %i is the beginning of that of %i by the known hashes', (oldSize, size, known) => {
    expect(proof(consistencyRanges(oldSize, size), leaves).map(hex)).toEqual(known)
    expect(
      verifyConsistency(oldSize, bytes(roots[oldSize] ?? ''), size, bytes(roots[size] ?? ''), known.map(bytes)),
    ).toBe(true)
  })

  it('has at every size up to 130 the head of the definition, made from its right edge alone', () => {
    const list = many(130)
    const tree = growTree()
    for (let size = 0; size <= list.length; size += 1) {
      const next = list[size]
      expect(hex(tree.root())).toBe(hex(treeHash(list.slice(0, size))))
      expect(tree.edge()).toHaveLength(completeSubtrees(0, size).length)
      if (next !== undefined) tree.add(0, next)
    }
  })

  it('takes complete subtrees in place of leaves wherever they are, and gives the same head', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), (size, a, b) => {
        const list = many(size)
        const start = Math.min(a % (size + 1), b % (size + 1))
        const end = Math.max(a % (size + 1), b % (size + 1))
        const tree = grown(list.slice(0, start))
        for (const { level, index } of completeSubtrees(start, end)) {
          const from = index * 2 ** level
          expect(tree.add(level, treeHash(list.slice(from, from + 2 ** level)))).toBe(true)
        }
        for (const leaf of list.slice(end)) tree.add(0, leaf)
        expect(hex(tree.root())).toBe(hex(treeHash(list)))
      }),
      { numRuns: 200 },
    )
  })

  it('does not take a subtree where none of that size can begin', () => {
    const tree = grown(many(3))
    expect(tree.add(1, treeHash(many(2)))).toBe(false)
    expect(tree.size()).toBe(3)
  })

  it('tells which inner nodes became complete, once each', () => {
    const nodes: string[] = []
    const list = many(13)
    const tree = growTree(({ level, index }, hash) => {
      nodes.push(`${level}/${index}`)
      expect(hex(hash)).toBe(hex(treeHash(list.slice(index * 2 ** level, (index + 1) * 2 ** level))))
    })
    for (const leaf of list) tree.add(0, leaf)
    expect(nodes).toEqual(['1/0', '1/1', '2/0', '1/2', '1/3', '2/1', '3/0', '1/4', '1/5', '2/2'])
  })

  it('makes for every place and every size up to 40 a proof that holds there and nowhere else', () => {
    const list = many(40)
    for (let size = 1; size <= list.length; size += 1) {
      const root = treeHash(list.slice(0, size))
      for (let index = 0; index < size; index += 1) {
        const leaf = list[index] ?? Buffer.alloc(0)
        const hashes = proof(inclusionRanges(index, size), list)
        expect(verifyInclusion(leaf, index, size, hashes, root)).toBe(true)
        expect(verifyInclusion(leaf, index + 1, size, hashes, root)).toBe(false)
        expect(verifyInclusion(leaf, index, size, [...hashes, root], root)).toBe(false)
        if (hashes.length > 0) expect(verifyInclusion(leaf, index, size, hashes.slice(1), root)).toBe(false)
        if (size > 1) expect(verifyInclusion(nodeHash(leaf, leaf), index, size, hashes, root)).toBe(false)
      }
    }
  })

  it('makes for every two sizes up to 40 a proof that holds for them and for no other history', () => {
    const list = many(40)
    const other = many(41).slice(1)
    for (let size = 1; size <= list.length; size += 1) {
      const root = treeHash(list.slice(0, size))
      for (let oldSize = 0; oldSize <= size; oldSize += 1) {
        const old = treeHash(list.slice(0, oldSize))
        const hashes = proof(consistencyRanges(oldSize, size), list)
        expect(verifyConsistency(oldSize, old, size, root, hashes)).toBe(true)
        expect(verifyConsistency(oldSize, old, size, root, [...hashes, root])).toBe(false)
        if (oldSize > 0)
          expect(verifyConsistency(oldSize, treeHash(other.slice(0, oldSize)), size, root, hashes)).toBe(false)
        if (oldSize > 0 && oldSize < size) {
          expect(verifyConsistency(oldSize, old, size, treeHash(other.slice(0, size)), hashes)).toBe(false)
          expect(verifyConsistency(size, root, oldSize, old, hashes)).toBe(false)
        }
      }
    }
  })

  it('counts beyond 32 bits', () => {
    expect(completeSubtrees(0, 2 ** 40 + 1)).toEqual([
      { level: 40, index: 0 },
      { level: 0, index: 2 ** 40 },
    ])
    expect(inclusionRanges(2 ** 40, 2 ** 40 + 1)).toEqual([{ start: 0, end: 2 ** 40 }])
    const [a, b] = many(2)
    if (a === undefined || b === undefined) throw new Error('no leaves')
    expect(verifyInclusion(b, 2 ** 40, 2 ** 40 + 1, [a], foldRight([a, b]))).toBe(true)
    expect(verifyConsistency(2 ** 40, a, 2 ** 40 + 1, foldRight([a, b]), [b])).toBe(true)
  })
})
