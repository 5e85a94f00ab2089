import { existsSync, readdirSync } from 'node:fs'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactId } from '../../shared/ids.ts'
import { limits } from './limits.ts'
import type { ArtifactFile } from './server.ts'
import { failsWith, lie, sha } from './testing/lie.ts'
import { type Bench, held016, serverAt, startBench } from './testing/test-server.ts'

// The server lies about how much it sends, has, or wants.

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const signal = new AbortController().signal
const id9 = artifactId.parse(9)

describe('downloads', () => {
  const content = Buffer.from('the true bytes of an input file')
  const wanted = (over: Partial<ArtifactFile> = {}): ArtifactFile => ({
    path: 'a',
    size: content.length,
    sha256: sha(content),
    url: `${bench.peer.origin}/f`,
    ...over,
  })
  let count = 0
  const fresh = () => join(bench.folder, `d${count++}`)

  it('throws away bytes with a wrong digest and leaves no file', async () => {
    lie(bench, (_arrived, response) => response.end(Buffer.from(content.toString().replace('true', 'fals'))))
    const server = serverAt(bench)
    const destination = fresh()
    expect(await server.download(held016, wanted(), destination, { signal })).toMatchObject(
      failsWith('digest-mismatch'),
    )
    expect(existsSync(destination) || existsSync(`${destination}.part`)).toBe(false)
    server.close()
  })

  it('stops at the announced size, with or without a true content length', async () => {
    const server = serverAt(bench)
    const destination = fresh()
    lie(bench, (_arrived, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' })
      response.end(Buffer.concat([content, Buffer.alloc(100_000)]))
    })
    expect(await server.download(held016, wanted(), destination, { signal })).toMatchObject(failsWith('too-large'))
    lie(bench, (_arrived, response) => response.end(Buffer.concat([content, Buffer.alloc(100_000)])))
    expect(await server.download(held016, wanted(), fresh(), { signal })).toMatchObject(
      failsWith('server-answer-invalid'),
    )
    expect(existsSync(destination)).toBe(false)
    server.close()
  })

  it('asks nothing for a file that is too large', async () => {
    const before = bench.peer.arrived.length
    lie(bench, (_arrived, response) => response.end(content))
    const server = serverAt(bench)
    await server.dialect()
    expect(await server.download(held016, wanted({ size: limits.fileBytes + 1 }), fresh(), { signal })).toMatchObject(
      failsWith('too-large'),
    )
    expect(bench.peer.arrived.length).toBe(before + 1)
    server.close()
  })

  it.each<[string, number, Record<string, string>]>([
    ['another range', 206, { 'content-range': `bytes 0-${content.length - 1}/${content.length}` }],
    ['another whole size', 206, { 'content-range': `bytes 10-${content.length - 1}/9999` }],
    ['no range', 206, {}],
    [
      'a compressed body',
      206,
      { 'content-range': `bytes 10-${content.length - 1}/${content.length}`, 'content-encoding': 'gzip' },
    ],
    ['no content', 204, {}],
  ])('does not go on with a part when the answer has %s', async (_name, status, headers) => {
    lie(bench, (_arrived, response) =>
      response.writeHead(status, headers).end(status === 204 ? undefined : content.subarray(10)),
    )
    const server = serverAt(bench)
    const destination = fresh()
    await writeFile(`${destination}.part`, content.subarray(0, 10), { mode: 0o600 })
    expect(await server.download(held016, wanted(), destination, { signal })).toMatchObject(
      failsWith('server-answer-invalid'),
    )
    expect(await readFile(`${destination}.part`)).toEqual(content.subarray(0, 10))
    server.close()
  })

  it('writes through no link that lies in the way', async () => {
    lie(bench, (_arrived, response) => response.end(content))
    const server = serverAt(bench)
    const destination = fresh()
    const victim = join(bench.folder, 'victim')
    await writeFile(victim, 'untouched')
    await symlink(victim, `${destination}.part`)
    expect(await server.download(held016, wanted(), destination, { signal })).toMatchObject(failsWith('disk-full'))
    expect(await readFile(victim, 'utf8')).toBe('untouched')
    server.close()
  })

  it('never names a file after the server', async () => {
    lie(bench, (_arrived, response) =>
      response.writeHead(200, { 'content-disposition': 'attachment; filename="../../evil"' }).end(content),
    )
    const server = serverAt(bench)
    const destination = fresh()
    const before = new Set(readdirSync(bench.folder))
    expect(await server.download(held016, wanted({ path: 'x/y/evil' }), destination, { signal })).toMatchObject({
      ok: true,
    })
    expect(readdirSync(bench.folder).filter((name) => !before.has(name))).toEqual([
      destination.slice(bench.folder.length + 1),
    ])
    server.close()
  })
})

describe('uploads', () => {
  const bytes = Buffer.from('0123456789')
  const output = async () => {
    const path = join(bench.folder, 'output.sig')
    await writeFile(path, bytes)
    return { path: 'a.sig', file: path, size: bytes.length, sha256: sha(bytes) }
  }
  const range = (value: string | null): Record<string, string> => (value === null ? {} : { range: value })

  it.each<[string, string | null, number, string | null]>([
    ['more than the whole file', 'bytes=0-11', 0, null],
    ['no range', null, 0, null],
    ['a range from the middle', 'bytes=3-5', 0, null],
    ['a negative range', 'bytes=0--5', 0, null],
    ['more than was sent', 'bytes=0-0', 200, 'bytes=0-9'],
    ['less than was sent', 'bytes=0-0', 200, 'bytes=0-1'],
    ['nothing about what was sent', 'bytes=0-0', 200, null],
  ])('does not believe a server that has %s', async (_name, asked, status, answered) => {
    lie(bench, (arrived, response) => {
      const sent = arrived.headers['content-range'] ?? ''
      if (sent === 'bytes */10') return response.writeHead(206, range(asked)).end()
      // Whoever believes the lie is told in the end that all is well.
      if (status === 0 || sent.endsWith('-9/10')) return response.writeHead(201).end()
      return response.writeHead(status, range(answered)).end()
    })
    const server = serverAt(bench, { uploadChunkBytes: 4 })
    expect(await server.upload(held016, id9, await output(), { signal })).toMatchObject(
      failsWith('server-answer-invalid'),
    )
    server.close()
  })

  it('sends nothing of a file that is not the signed one any more', async () => {
    const before = bench.peer.arrived.length
    lie(bench, (_arrived, response) => response.writeHead(201).end())
    const server = serverAt(bench)
    const changed = { ...(await output()), sha256: sha('other') }
    expect(await server.upload(held016, id9, changed, { signal })).toMatchObject(failsWith('digest-mismatch'))
    expect(bench.peer.arrived.slice(before).every(({ method }) => method === 'GET')).toBe(true)
    server.close()
  })
})
