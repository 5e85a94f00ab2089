import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { entryUrl } from '../digest/entry-url.ts'
import { silentLog } from '../log/logger.ts'
import { buildPe } from '../signing/pe/testing/pe-builder.ts'
import { probeConfinement } from './confinement.ts'
import { type InspectorOptions, InspectorProcess } from './inspector-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'inspector-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const confinement = probeConfinement()
const never = new AbortController().signal
const base: InspectorOptions = {
  nodePath: process.execPath,
  entry: entryUrl('inspector', new URL('../index.ts', import.meta.url).href),
  log: silentLog,
  confinement,
}
const misbehaving: InspectorOptions = { ...base, entry: new URL('./testing/misbehave.ts', import.meta.url) }

function file(content: Uint8Array | string, name = 'input'): { path: string; name: string } {
  const path = join(folder, name)
  writeFileSync(path, content)
  return { path, name }
}

/** What an inspector in an attacker's hand got for trying something. */
async function result(order: string, options: InspectorOptions = misbehaving): Promise<string> {
  const answer = await new InspectorProcess(options).inspect(file(order), never)
  if (!answer.ok) return answer.error.code
  return answer.value.kind === 'opaque' ? answer.value.reason : answer.value.kind
}

describe('an inspection', () => {
  it('gives the facts of a file', async () => {
    const answer = await new InspectorProcess(base).inspect(file(buildPe({ machine: 0xaa64 })), never)
    expect(answer.ok && answer.value.kind === 'pe' && answer.value.machine).toBe('AArch64 (0xaa64)')
    const opaque = await new InspectorProcess(base).inspect(file('hello'), never)
    expect(opaque).toMatchObject({
      ok: true,
      value: { kind: 'opaque', firstBytesHex: Buffer.from('hello').toString('hex') },
    })
  })

  it('gives the same facts without namespaces and limits', async () => {
    const confined = await new InspectorProcess(base).inspect(file(buildPe()), never)
    const plain = await new InspectorProcess({ ...base, confinement: { namespaces: false, limits: false } }).inspect(
      file(buildPe()),
      never,
    )
    expect(plain).toEqual(confined)
    expect(plain.ok).toBe(true)
  })

  it('serves more files than it starts processes at once', async () => {
    const inspector = new InspectorProcess({ ...base, concurrency: 2 })
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((name) => inspector.inspect(file(name, name), never)),
    )
    expect(answers.map((answer) => answer.ok && answer.value.kind === 'opaque' && answer.value.firstBytesHex)).toEqual([
      '61',
      '62',
      '63',
      '64',
      '65',
    ])
  })

  it.each([
    ['is not there', () => join(folder, 'absent')],
    ['is a folder', () => folder],
    [
      'is a link',
      () => {
        symlinkSync(file('x', 'target').path, join(folder, 'link'))
        return join(folder, 'link')
      },
    ],
    ['is a device', () => '/dev/zero'],
  ])('fails when the file %s', async (_name, path) => {
    expect(await new InspectorProcess(base).inspect({ path: path(), name: 'x' }, never)).toMatchObject({
      ok: false,
      error: { code: 'file-unreadable' },
    })
  })

  it('is cancelled before it starts, and while it runs', async () => {
    expect(await new InspectorProcess(base).inspect(file('x'), AbortSignal.abort())).toMatchObject({
      ok: false,
      error: { code: 'inspection-cancelled' },
    })
    const abort = new AbortController()
    const running = new InspectorProcess(misbehaving).inspect(file('hang'), abort.signal)
    setImmediate(() => abort.abort())
    expect(await running).toMatchObject({ ok: false, error: { code: 'inspection-cancelled' } })
  })

  it('says so when Node cannot be started, and leaves no file open', async () => {
    const open = readdirSync('/proc/self/fd').length
    const answer = await new InspectorProcess({ ...base, nodePath: join(folder, 'no-node') }).inspect(file('x'), never)
    expect(answer).toMatchObject({ ok: false, error: { code: 'inspection-crashed' } })
    expect(readdirSync('/proc/self/fd').length).toBe(open)
  })
})

describe('an inspector in an attacker’s hand', () => {
  it.each([
    ['open a file', 'read /etc/passwd', 'ERR_ACCESS_DENIED'],
    ['open its own input by another way', 'reopen', 'ERR_ACCESS_DENIED'],
    ['write a file', `write-file ${join(folder, 'written')}`, 'ERR_ACCESS_DENIED'],
    ['change the file that it inspects', 'write-input', 'EBADF'],
    ['start a program', 'spawn', 'ERR_ACCESS_DENIED'],
    ['start a thread', 'worker', 'ERR_ACCESS_DENIED'],
    ['learn from the environment', 'environment', '{}'],
    ['run for ever', 'hang', 'inspection-timeout'],
    ['fill the heap', 'heap', 'inspection-memory'],
    ['talk without end', 'talk', 'inspection-crashed'],
    ['give facts of another shape', 'lie', 'inspection-crashed'],
    ['give no answer', 'silence', 'inspection-crashed'],
    ['die', 'die', 'inspection-crashed'],
  ])('cannot %s', async (_name, order, expected) => {
    const timeLimitMs = order === 'hang' ? 2000 : 30_000
    expect(await result(order, { ...misbehaving, timeLimitMs })).toBe(expected)
  })

  it('cannot make code out of text', async () => {
    expect(await result('evaluate')).toContain('Code generation from strings disallowed')
  })

  it('cannot take memory outside the heap without bound', async (ctx) => {
    if (!confinement.limits) ctx.skip('prlimit does not work here')
    expect(await result('buffers')).toBe('inspection-memory')
  })

  it('cannot reach the network of this machine', async (ctx) => {
    if (!confinement.namespaces) ctx.skip('user namespaces are not allowed here')
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : null
    const outside = await result(`connect ${port}`, {
      ...misbehaving,
      confinement: { ...confinement, namespaces: false },
    })
    const inside = await result(`connect ${port}`)
    server.close()
    // Without the namespace it is connected: else the test would prove nothing.
    expect([outside, inside]).toEqual(['connected', 'ENETUNREACH'])
  })

  it('cannot signal another process', async (ctx) => {
    if (!confinement.namespaces) ctx.skip('user namespaces are not allowed here')
    expect(await result(`signal ${process.pid}`)).toBe('ESRCH')
  })
})
