import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactId } from '../../shared/ids.ts'
import { limits } from './limits.ts'
import type { ServerFailureCode } from './server.ts'
import { failsWith, lie, sha } from './testing/lie.ts'
import { json } from './testing/peer.ts'
import { type Bench, held016, serverAt, startBench } from './testing/test-server.ts'

// Any user of the server chooses file names; whoever holds the server chooses sizes, digests and addresses.

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const id9 = artifactId.parse(9)

const file = (over: Record<string, unknown> = {}) => ({
  size: 4,
  checksums: { sha256: sha('abcd') },
  type: 'file',
  content_type: null,
  url: `${bench.peer.origin}/f`,
  ...over,
})
const artifact = (files: unknown, over: Record<string, unknown> = {}) => ({
  id: 9,
  workspace: 'signing',
  category: 'debusine:signing-input',
  data: {},
  created_at: 'x',
  expire_at: null,
  files_to_upload: [],
  files,
  ...over,
})

describe('artifacts that cannot be right', () => {
  it.each<[string, string]>([
    ['a step up', '../x'],
    ['a step up inside', 'a/../../x'],
    ['a step up at the end', 'a/..'],
    ['a dot', './x'],
    ['an absolute path', '/etc/passwd'],
    ['an empty segment', 'a//b'],
    ['a folder', 'a/'],
    ['nothing', ''],
    ['a NUL', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['a delete character', 'a\u007fb'],
    ['a right-to-left override', 'grub\u202eife.x64'],
    ['an isolate', 'a\u2066b'],
    ['a zero-width space', 'a\u200bb'],
    ['a byte order mark', 'a\ufeffb'],
    ['a line separator', 'a\u2028b'],
    ['a no-break space', 'a\u00a0b'],
    ['a lone surrogate', 'a\ud800b'],
    ['10 000 characters', 'x'.repeat(10_000)],
    ['a segment of 256 octets', `a/${'é'.repeat(128)}`],
  ])('refuses %s as a file name', async (_name, path) => {
    lie(bench, (_arrived, response) => json(response, 200, artifact({ good: file(), [path]: file() })))
    const server = serverAt(bench)
    expect(await server.artifact(held016, id9)).toMatchObject(failsWith('name-unsafe'))
    server.close()
  })

  it.each<[string, readonly string[]]>([
    ['two names that look the same', ['caf\u00e9', 'cafe\u0301']],
    ['a file that is a folder as well', ['a', 'a/b']],
  ])('refuses %s', async (_name, paths) => {
    lie(bench, (_arrived, response) =>
      json(response, 200, artifact(Object.fromEntries(paths.map((path) => [path, file()])))),
    )
    const server = serverAt(bench)
    expect(await server.artifact(held016, id9)).toMatchObject(failsWith('name-unsafe'))
    server.close()
  })

  it('lists a file called __proto__ like any other, instead of dropping it', async () => {
    lie(bench, (_arrived, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(artifact({ x: file() })).replace('"x":', '"__proto__":'))
    })
    const server = serverAt(bench)
    expect(await server.artifact(held016, id9)).toMatchObject({
      ok: true,
      value: { files: [{ path: '__proto__', size: 4 }] },
    })
    server.close()
  })

  it.each<[string, () => unknown, ServerFailureCode]>([
    ['another artifact', () => artifact({}, { id: 10 }), 'server-answer-invalid'],
    ['an incomplete one', () => artifact({ a: file() }, { files_to_upload: ['a'] }), 'server-answer-invalid'],
    [
      'a file on another server',
      () => artifact({ a: file({ url: 'https://evil.example/f' }) }),
      'server-answer-invalid',
    ],
    ['a file on another port', () => artifact({ a: file({ url: 'https://127.0.0.1:1/f' }) }), 'server-answer-invalid'],
    [
      'a file over plain HTTP',
      () => artifact({ a: file({ url: `http://${new URL(bench.peer.origin).host}/f` }) }),
      'server-answer-invalid',
    ],
    ['a file on this machine', () => artifact({ a: file({ url: 'file:///etc/passwd' }) }), 'server-answer-invalid'],
    ['a file without an address', () => artifact({ a: file({ url: '' }) }), 'server-answer-invalid'],
    ['a negative size', () => artifact({ a: file({ size: -1 }) }), 'server-answer-invalid'],
    ['an enormous size', () => artifact({ a: file({ size: limits.fileBytes + 1 }) }), 'too-large'],
    [
      'a digest that is none',
      () => artifact({ a: file({ checksums: { sha256: 'Z'.repeat(64) } }) }),
      'server-answer-invalid',
    ],
    ['no digest', () => artifact({ a: file({ checksums: { md5: 'x' } }) }), 'server-answer-invalid'],
    ['a link', () => artifact({ a: file({ type: 'symlink' }) }), 'server-answer-invalid'],
    ['files as a list', () => artifact([file()]), 'server-answer-invalid'],
    ['no files at all', () => artifact(null), 'server-answer-invalid'],
    [
      '10 001 files',
      () => artifact(Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`f${n}`, 0]))),
      'too-large',
    ],
  ])('refuses %s', async (_name, value, code) => {
    lie(bench, (_arrived, response) => json(response, 200, value()))
    const server = serverAt(bench)
    expect(await server.artifact(held016, id9)).toMatchObject(failsWith(code))
    server.close()
  })

  it('refuses an artifact made other than asked', async () => {
    const server = serverAt(bench)
    lie(bench, (_arrived, response) => json(response, 201, artifact({}, { category: 'debian:upload' })))
    expect(await server.createArtifact(held016, { category: 'c', data: {}, files: [] })).toMatchObject(
      failsWith('server-answer-invalid'),
    )
    lie(bench, (_arrived, response) =>
      json(response, 201, artifact({}, { category: 'c', files_to_upload: ['/etc/shadow'] })),
    )
    expect(await server.createArtifact(held016, { category: 'c', data: {}, files: [] })).toMatchObject(
      failsWith('server-answer-invalid'),
    )
    server.close()
  })
})
