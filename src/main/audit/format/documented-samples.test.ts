import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { documentedSamples } from '../testing/documented-samples.ts'
import { openCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { verifyCosignature } from './cosignature.ts'
import { leafHash } from './encode.ts'
import { verifyConsistency, verifyInclusion } from './merkle.ts'
import { parseConsistency, parseProof } from './proof-file.ts'
import { parseVerifierKey } from './signed-note.ts'

/** The blocks of a page by their language. */
function blocks(page: string): ReadonlyMap<string, string> {
  const text = readFileSync(new URL(`../../../../docs/formats/${page}.md`, import.meta.url), 'utf8')
  return new Map([...text.matchAll(/^```([a-z-]+)\n([\s\S]*?)^```$/gm)].map(([, name = '', body = '']) => [name, body]))
}

function value<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

const checkpoint = blocks('checkpoint')
const proof = blocks('proof')
const samples = documentedSamples()

describe('the documented samples', () => {
  it('are what this program writes, byte for byte', () => {
    expect({
      vkey: checkpoint.get('vkey')?.trimEnd(),
      checkpoint: checkpoint.get('checkpoint'),
      cosigned: checkpoint.get('cosigned'),
      proof: proof.get('tlog-proof'),
      older: proof.get('checkpoint'),
      consistency: proof.get('consistency'),
      export: blocks('export').get('export'),
      witnessKey: samples.witnessKey,
    }).toEqual(samples)
  })

  it('verify from the page alone', () => {
    const key = value(parseVerifierKey(checkpoint.get('vkey')?.trimEnd() ?? ''))
    const newest = value(openCheckpoint(checkpoint.get('checkpoint') ?? '', key)).checkpoint
    const witness = value(parseVerifierKey(samples.witnessKey))
    const cosigned = value(parseCheckpoint(checkpoint.get('cosigned') ?? ''))
    expect(verifyCosignature(cosigned.note, witness)).toEqual({ kind: 'verified', time: 1_767_323_045 })
    const inclusion = value(parseProof(proof.get('tlog-proof') ?? ''))
    expect(
      verifyInclusion(leafHash(inclusion.entry), inclusion.index, newest.size, inclusion.hashes, newest.root),
    ).toBe(true)
    const older = value(openCheckpoint(proof.get('checkpoint') ?? '', key)).checkpoint
    const consistency = value(parseConsistency(proof.get('consistency') ?? ''))
    expect(verifyConsistency(older.size, older.root, newest.size, newest.root, consistency.hashes)).toBe(true)
  })
})
