import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactId } from '../../shared/ids.ts'
import type { ArtifactFile } from './server.ts'
import { failsWith, lie, sha } from './testing/lie.ts'
import { json } from './testing/peer.ts'
import { type Bench, held016, serverAt, startBench, whoami016 } from './testing/test-server.ts'

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

const signal = new AbortController().signal
const id9 = artifactId.parse(9)
const content = Buffer.from(Array.from({ length: 500_000 }, (_, n) => (n * 7919) % 251))
const wanted = (over: Partial<ArtifactFile> = {}): ArtifactFile => ({
  path: 'a/b.efi',
  size: content.length,
  sha256: sha(content),
  url: `${bench.peer.origin}/f`,
  ...over,
})
let count = 0
const fresh = () => join(bench.folder, `t${count++}`)

/** Serves the file with ranges, breaking the connection after so many octets of each answer. */
function serveBroken(pieces: readonly number[]): string[] {
  const asked: string[] = []
  lie(bench, (arrived, response) => {
    const range = arrived.headers.range ?? ''
    asked.push(range)
    const start = Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? '0')
    const piece = pieces[asked.length - 1]
    const headers = { 'content-length': content.length - start }
    if (start === 0) response.writeHead(200, headers)
    else
      response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` })
    if (piece === undefined) response.end(content.subarray(start))
    else response.write(content.subarray(start, start + piece), () => response.destroy())
  })
  return asked
}

describe('a download', () => {
  it('goes on where the connection broke, and is whole in the end', async () => {
    const asked = serveBroken([100_000, 50_000])
    const server = serverAt(bench)
    const destination = fresh()
    expect(await server.download(held016, wanted(), destination, { signal })).toEqual({ ok: true, value: null })
    expect(await readFile(destination)).toEqual(content)
    expect((await stat(destination)).mode & 0o777).toBe(0o600)
    expect(existsSync(`${destination}.part`)).toBe(false)
    expect(asked.length).toBeGreaterThanOrEqual(2)
    expect(asked.slice(1).every((range) => /^bytes=[1-9]\d*-499999$/.test(range))).toBe(true)
    server.close()
  })

  it('goes on with what an earlier run of the program left, and starts over when the server sends everything', async () => {
    const server = serverAt(bench)
    for (const ranges of [true, false]) {
      const destination = fresh()
      await writeFile(`${destination}.part`, content.subarray(0, 123_456), { mode: 0o600 })
      const asked = serveBroken([])
      const honest = bench.peer.answer
      if (!ranges)
        bench.peer.answer = (arrived, response) =>
          honest({ ...arrived, headers: { ...arrived.headers, range: '' } }, response)
      expect(await server.download(held016, wanted(), destination, { signal })).toEqual({ ok: true, value: null })
      expect(await readFile(destination)).toEqual(content)
      if (ranges) expect(asked).toEqual(['bytes=123456-499999'])
    }
    server.close()
  })

  it('throws away a part with wrong bytes, so that the next attempt is clean', async () => {
    const server = serverAt(bench)
    const destination = fresh()
    await writeFile(`${destination}.part`, Buffer.alloc(1000), { mode: 0o600 })
    serveBroken([])
    expect(await server.download(held016, wanted(), destination, { signal })).toMatchObject(
      failsWith('digest-mismatch'),
    )
    expect(await server.download(held016, wanted(), destination, { signal })).toEqual({ ok: true, value: null })
    server.close()
  })

  it('does nothing when the file is there already, and replaces a wrong one', async () => {
    const server = serverAt(bench)
    const destination = fresh()
    const asked = serveBroken([])
    await writeFile(destination, content)
    expect(await server.download(held016, wanted(), destination, { signal })).toEqual({ ok: true, value: null })
    expect(asked).toEqual([])
    await writeFile(destination, content.subarray(1))
    expect(await server.download(held016, wanted(), destination, { signal })).toEqual({ ok: true, value: null })
    expect(await readFile(destination)).toEqual(content)
    server.close()
  })

  it('takes an empty file without asking', async () => {
    const server = serverAt(bench)
    const destination = fresh()
    const asked = serveBroken([])
    expect(await server.download(held016, wanted({ size: 0, sha256: sha('') }), destination, { signal })).toEqual({
      ok: true,
      value: null,
    })
    expect((await stat(destination)).size).toBe(0)
    expect(asked).toEqual([])
    server.close()
  })

  it('gives up after five tries that bring nothing', async () => {
    const asked = serveBroken([0, 0, 0, 0, 0, 0, 0])
    const server = serverAt(bench)
    expect(await server.download(held016, wanted(), fresh(), { signal })).toMatchObject(failsWith('server-unreachable'))
    expect(asked).toHaveLength(5)
    server.close()
  })

  it('stops at once when it is cancelled, and keeps what has come', async () => {
    const controller = new AbortController()
    const destination = fresh()
    lie(bench, (_arrived, response) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 200_000))
      const watch = () => {
        if (existsSync(`${destination}.part`)) controller.abort()
        else setImmediate(watch)
      }
      watch()
    })
    const server = serverAt(bench)
    expect(await server.download(held016, wanted(), destination, { signal: controller.signal })).toMatchObject(
      failsWith('cancelled'),
    )
    expect(existsSync(destination)).toBe(false)
    expect(existsSync(`${destination}.part`)).toBe(true)
    server.close()
  })

  it('says that the disk is full: before it asks, and in the middle', async (ctx) => {
    if (process.geteuid?.() !== 0) ctx.skip('mounting a small file system needs root')
    const small = join(bench.folder, 'small')
    await mkdir(small)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])
    const server = serverAt(bench)
    try {
      const asked = serveBroken([])
      expect(await server.download(held016, wanted({ size: 2_000_000 }), join(small, 'a'), { signal })).toMatchObject(
        failsWith('disk-full'),
      )
      expect(asked).toEqual([])
      lie(bench, async (_arrived, response) => {
        await writeFile(join(small, 'filler'), Buffer.alloc(900_000))
        response.end(content)
      })
      expect(await server.download(held016, wanted(), join(small, 'b'), { signal })).toMatchObject(
        failsWith('disk-full'),
      )
      expect(existsSync(join(small, 'b'))).toBe(false)
    } finally {
      execFileSync('umount', [small])
      server.close()
    }
  })
})

describe('an upload', () => {
  const output = async () => {
    const file = fresh()
    await writeFile(file, content)
    return { path: 'a/te+st~1.sig', file, size: content.length, sha256: sha(content) }
  }

  /** debusine's upload as PROTOCOL and recordings have it; `trouble` may answer first. */
  function store(trouble: (attempt: number) => number | 'break' | null = () => null) {
    const state = { bytes: Buffer.alloc(0), paths: new Set<string>(), ranges: [] as string[], puts: 0 }
    lie(bench, (arrived, response) => {
      const range = String(arrived.headers['content-range'])
      state.paths.add(arrived.path)
      state.ranges.push(range)
      if (range.startsWith('bytes */')) {
        response.writeHead(206, { range: `bytes=0-${state.bytes.length}` }).end()
        return
      }
      const answer = trouble(state.puts++)
      if (answer === 'break') return response.destroy()
      const start = Number(/^bytes (\d+)-/.exec(range)?.[1])
      state.bytes = Buffer.concat([state.bytes.subarray(0, start), arrived.body])
      if (answer !== null) {
        if (answer === 409) state.bytes = Buffer.alloc(0)
        return json(response, answer, { title: 'Trouble' })
      }
      if (state.bytes.length < content.length)
        return response.writeHead(200, { range: `bytes=0-${state.bytes.length}` }).end()
      return response.writeHead(201).end()
    })
    return state
  }

  it('asks first, sends chunks, and encodes each segment of the name', async () => {
    const state = store()
    const server = serverAt(bench, { uploadChunkBytes: 200_000 })
    expect(await server.upload(held016, id9, await output(), { signal })).toEqual({ ok: true, value: null })
    expect(state.bytes).toEqual(content)
    expect(state.ranges).toEqual([
      'bytes */500000',
      'bytes 0-199999/500000',
      'bytes 200000-399999/500000',
      'bytes 400000-499999/500000',
    ])
    expect([...state.paths]).toEqual(['/api/1.0/artifact/9/files/a/te%2Bst~1.sig/'])
    server.close()
  })

  it('asks again after a break and goes on from there; after wrong bytes it starts over', async () => {
    const state = store((attempt) => (attempt === 1 ? 'break' : attempt === 3 ? 409 : null))
    const server = serverAt(bench, { uploadChunkBytes: 200_000 })
    expect(await server.upload(held016, id9, await output(), { signal })).toEqual({ ok: true, value: null })
    expect(state.bytes).toEqual(content)
    expect(state.ranges).toEqual([
      'bytes */500000',
      'bytes 0-199999/500000',
      'bytes 200000-399999/500000',
      'bytes */500000',
      'bytes 200000-399999/500000',
      'bytes 400000-499999/500000',
      'bytes 0-199999/500000',
      'bytes 200000-399999/500000',
      'bytes 400000-499999/500000',
    ])
    server.close()
  })

  it('gives up after three tries', async () => {
    for (const [answer, code] of [
      [409, 'digest-mismatch'],
      [503, 'server-error'],
    ] as const) {
      const state = store(() => answer)
      const server = serverAt(bench)
      expect(await server.upload(held016, id9, await output(), { signal })).toMatchObject(failsWith(code))
      expect(state.puts).toBe(3)
      server.close()
    }
  })

  it('does not try again what the proxy finds too large', async () => {
    lie(bench, (arrived, response) => {
      if (arrived.headers['content-range'] === 'bytes */500000')
        return response.writeHead(206, { range: 'bytes=0-0' }).end()
      return response.writeHead(413, { 'content-type': 'text/html' }).end('<h1>413 Request Entity Too Large</h1>')
    })
    const server = serverAt(bench)
    const before = bench.peer.arrived.length
    expect(await server.upload(held016, id9, await output(), { signal })).toMatchObject(failsWith('too-large'))
    expect(bench.peer.arrived.slice(before).filter(({ method }) => method === 'PUT')).toHaveLength(2)
    server.close()
  })
})

describe('repeated calls', () => {
  it('repeats what is safe after an error of the moment, and nothing else', async () => {
    const asked: string[] = []
    let failing = 3
    bench.peer.answer = (arrived, response) => {
      if (arrived.path.endsWith('/whoami/')) return json(response, 200, whoami016)
      asked.push(`${arrived.method} ${arrived.path}`)
      if (failing-- > 0) {
        response.writeHead(503, { 'content-type': 'text/html', 'retry-after': '1' }).end('busy')
        return
      }
      if (arrived.path.endsWith('/completed/')) response.writeHead(200).end()
      else response.writeHead(204).end()
    }
    const server = serverAt(bench)
    expect(await server.complete(held016, { result: 'success', errors: [], durationSeconds: 1 })).toEqual({
      ok: true,
      value: null,
    })
    expect(asked).toHaveLength(4)
    failing = 1
    expect(await server.fetchNext()).toMatchObject(failsWith('server-error'))
    expect(asked).toHaveLength(5)
    expect(await server.fetchNext()).toEqual({ ok: true, value: null })
    failing = 1
    expect(await server.createArtifact(held016, { category: 'c', data: {}, files: [] })).toMatchObject(
      failsWith('server-error'),
    )
    expect(asked).toHaveLength(7)
    server.close()
  })

  it('says, when a report was repeated and refused, that the first one may have arrived', async () => {
    let tries = 0
    bench.peer.answer = (arrived, response) => {
      if (arrived.path.endsWith('/whoami/')) return json(response, 200, whoami016)
      if (tries++ === 0) {
        response.destroy()
        return
      }
      return json(response, 403, { title: 'Error', detail: 'Authentication credentials were not provided.' })
    }
    const server = serverAt(bench)
    expect(await server.complete(held016, { result: 'success', errors: [], durationSeconds: 1 })).toMatchObject({
      ok: false,
      error: { code: 'no-longer-ours', message: expect.stringContaining('an earlier report arrived') },
    })
    server.close()
  })

  it('changes the verb of a fetch when the server was upgraded, and says so when it is locked', async () => {
    const verbs: string[] = []
    bench.peer.answer = (arrived, response) => {
      if (arrived.path.endsWith('/whoami/'))
        return json(response, 200, { user: '<anonymous>', auth: true, worker_token: true })
      verbs.push(arrived.method)
      return arrived.method === 'GET'
        ? json(response, 405, { title: 'Error', detail: 'Method "GET" not allowed.' })
        : json(response, 423, { title: 'Retry' })
    }
    const server = serverAt(bench)
    expect(await server.fetchNext()).toMatchObject(failsWith('server-error'))
    expect(verbs).toEqual(['GET', 'POST'])
    expect(await server.dialect()).toEqual({ ok: true, value: '0.16' })
    server.close()
  })

  it('does not fetch twice at the same time', async () => {
    lie(bench, (_arrived, response) => response.writeHead(204).end())
    const server = serverAt(bench)
    const answers = await Promise.all([server.fetchNext(), server.fetchNext()])
    expect(answers).toMatchObject([
      { ok: true, value: null },
      { ok: false, error: { kind: 'defect' } },
    ])
    server.close()
  })
})
