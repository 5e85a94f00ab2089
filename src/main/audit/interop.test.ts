import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { auditSeq } from '../../shared/ids.ts'
import { decodeHash } from './format/base64.ts'
import { openCheckpoint } from './format/checkpoint.ts'
import { leafHash } from './format/encode.ts'
import { growTree, sameHash, verifyConsistency, verifyInclusion } from './format/merkle.ts'
import { parseVerifierKey } from './format/signed-note.ts'
import { proveConsistency, proveEntry } from './proofs.ts'
import { checkpointedStation } from './testing/checkpointed-station.ts'
import { documentedSamples } from './testing/documented-samples.ts'
import { sampleIntent } from './testing/sample-entries.ts'

// The other implementation: golang.org/x/mod/sumdb, which checks what the Go module proxy logs, as Debian packages it.
const gocode = '/usr/share/gocode'
const program = new URL('testing/interop.go', import.meta.url).pathname

function go(context: TestContext, ...args: readonly string[]) {
  if (!existsSync(join(gocode, 'src/golang.org/x/mod/sumdb/tlog'))) context.skip('needs golang-golang-x-mod-dev')
  const folder = tempFolder()
  const done = spawnSync('go', ['run', program, ...args], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      GOCACHE: join(folder, 'cache'),
      GOPATH: gocode,
      GO111MODULE: 'off',
      GOFLAGS: '-mod=mod',
    },
  })
  if (done.error !== undefined) context.skip('needs golang-go')
  return { status: done.status, out: done.stdout, err: done.stderr }
}

interface FromGo {
  readonly vkey: string
  readonly checkpoint: string
  readonly size: number
  readonly index: number
  readonly record: readonly string[]
  readonly oldSize: number
  readonly oldRoot: string
  readonly tree: readonly string[]
}

const hashes = (texts: readonly string[]) => texts.map((text) => decodeHash(text) ?? new Uint8Array())

describe('golang.org/x/mod/sumdb', () => {
  it('accepts our documented samples', (context) => {
    const folder = tempFolder()
    const { vkey, checkpoint, older, proof, consistency } = documentedSamples()
    for (const [name, text] of Object.entries({ vkey, checkpoint, older, proof, consistency }))
      writeFileSync(join(folder, name), text)
    expect(go(context, 'check', folder)).toEqual({ status: 0, err: '', out: 'accepted 2 of 3, 2 to 3\n' })
    writeFileSync(join(folder, 'checkpoint'), checkpoint.replace('\n3\n', '\n4\n'))
    expect(go(context, 'check', folder).status).toBe(1)
  }, 120_000)

  it('accepts the proofs of a station of 700 entries', async (context) => {
    const folder = tempFolder()
    const station = await checkpointedStation(join(folder, 'station.db'))
    const files = new Map([['vkey', station.logKey.vkey]])
    for (const [count, name] of [
      [300, 'older'],
      [400, 'checkpoint'],
    ] as const) {
      await station.write(...Array.from({ length: count }, (_, index) => sampleIntent(index)))
      files.set(name, await station.checkpoint())
    }
    const proof = await proveEntry(readerOf(station.db), station.logKey.key, auditSeq.parse(257))
    const consistency = await proveConsistency(readerOf(station.db), station.logKey.key, 300)
    if (!proof.ok || !consistency.ok) throw new Error('no proof')
    files.set('proof', proof.value).set('consistency', consistency.value)
    for (const [name, text] of files) writeFileSync(join(folder, name), text)
    await station.close()
    expect(go(context, 'check', folder)).toEqual({ status: 0, err: '', out: 'accepted 256 of 700, 300 to 700\n' })
  }, 120_000)

  it('makes checkpoints and proofs that we accept, and has our tree heads at every size', (context) => {
    const made = go(context, 'make')
    const samples = made.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as FromGo)
    expect(samples).toHaveLength(70)
    const tree = growTree()
    for (const sample of samples) {
      const key = parseVerifierKey(sample.vkey)
      if (!key.ok) throw new Error(key.error)
      const opened = openCheckpoint(sample.checkpoint, key.value)
      if (!opened.ok) throw new Error(opened.error.code)
      const { size, root } = opened.value.checkpoint
      tree.add(0, leafHash(Buffer.from(`entry ${size - 1}`)))
      const leaf = leafHash(Buffer.from(`entry ${sample.index}`))
      expect([
        size,
        sameHash(tree.root(), root),
        verifyInclusion(leaf, sample.index, size, hashes(sample.record), root),
        verifyConsistency(sample.oldSize, hashes([sample.oldRoot])[0] ?? leaf, size, root, hashes(sample.tree)),
      ]).toEqual([sample.size, true, true, true])
    }
  }, 120_000)
})
