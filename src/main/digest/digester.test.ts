import { hash, randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Digester } from './digester.ts'
import { entryUrl } from './entry-url.ts'

const folder = mkdtempSync(join(tmpdir(), 'digest-test-'))
const bytes = randomFillSync(new Uint8Array(3_000_000))
const path = join(folder, 'file')
writeFileSync(path, bytes)
const main = new URL('../index.ts', import.meta.url).href
const digester = new Digester(entryUrl('hash-worker', main), 2)
afterAll(async () => {
  await digester.close()
  rmSync(folder, { recursive: true, force: true })
})
const whole = { path, size: bytes.length, ranges: [{ start: 0, end: bytes.length }], zeros: 0 }

describe('hashing in worker threads', () => {
  it('gives the SHA-256 of a file, of parts of it, and of zeros behind them', async () => {
    expect(await digester.sha256(whole)).toEqual({ kind: 'digest', sha256: hash('sha256', bytes) })
    const ranges = [
      { start: 5, end: 700_001 },
      { start: 2_999_999, end: 3_000_000 },
    ]
    const parts = Buffer.concat([bytes.subarray(5, 700_001), bytes.subarray(2_999_999), new Uint8Array(7)])
    expect(await digester.sha256({ ...whole, ranges, zeros: 7 })).toEqual({
      kind: 'digest',
      sha256: hash('sha256', parts),
    })
  })

  it('answers more jobs than it has threads', async () => {
    const answers = await Promise.all(Array.from({ length: 9 }, () => digester.sha256(whole)))
    expect(new Set(answers.map((answer) => (answer.kind === 'digest' ? answer.sha256 : answer.kind)))).toEqual(
      new Set([hash('sha256', bytes)]),
    )
  })

  it.each([
    ['has another size', { ...whole, size: 1 }, 'changed'],
    ['ends before the range does', { ...whole, ranges: [{ start: 0, end: bytes.length + 1 }] }, 'changed'],
    ['is a folder', { ...whole, path: folder }, 'changed'],
    ['is not there', { ...whole, path: join(folder, 'absent') }, 'unreadable'],
  ])('says so when the file %s', async (_name, job, kind) => {
    expect((await digester.sha256(job)).kind).toBe(kind)
  })

  it('does not follow a link', async () => {
    symlinkSync(path, join(folder, 'link'))
    expect((await digester.sha256({ ...whole, path: join(folder, 'link') })).kind).toBe('unreadable')
  })

  it('answers every job of a worker that cannot start, and does not hang', async () => {
    const broken = new Digester(new URL('./absent.ts', import.meta.url), 1)
    const answers = await Promise.all([broken.sha256(whole), broken.sha256(whole)])
    expect(answers.map((answer) => answer.kind)).toEqual(['unreadable', 'unreadable'])
    await broken.close()
  })

  it('answers every job when it is closed under them', async () => {
    const closing = new Digester(entryUrl('hash-worker', main), 1)
    const answers = [closing.sha256(whole), closing.sha256(whole)]
    await closing.close()
    expect((await Promise.all(answers)).map((answer) => answer.kind)).toEqual(['unreadable', 'unreadable'])
    expect((await closing.sha256(whole)).kind).toBe('unreadable')
  })
})

describe('the place of an entry', () => {
  it('is in the source tree when main runs from source, and beside the bundle when it does not', () => {
    expect(entryUrl('hash-worker', main).pathname).toBe(new URL('./hash-worker.ts', import.meta.url).pathname)
    expect(entryUrl('hash-worker', 'file:///opt/signing-station/out/main/index.js').href).toBe(
      'file:///opt/signing-station/out/main/hash-worker.js',
    )
    expect(entryUrl('inspector', 'file:///opt/signing-station/out/main/index.js').href).toBe(
      'file:///opt/signing-station/out/main/inspector.js',
    )
  })
})
