import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type InspectorOptions, InspectorProcess } from './inspector-process.ts'
import { makeInspectionBench } from './testing/inspection-bench.ts'

const bench = makeInspectionBench()
afterAll(() => bench.remove())
const never = new AbortController().signal
const { folder, file, options: base } = bench
const { confinement } = base
const misbehaving: InspectorOptions = { ...base, entry: new URL('./testing/misbehave.ts', import.meta.url) }

/** What an inspector in an attacker's hand got for trying something. */
async function result(order: string, options: InspectorOptions = misbehaving): Promise<string> {
  const answer = await new InspectorProcess(options).inspect(file(order), never)
  if (!answer.ok) return answer.error.code
  return answer.value.kind === 'opaque' ? answer.value.reason : answer.value.kind
}

describe('an inspector in an attacker’s hand', { timeout: 90_000 }, () => {
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
    const timeLimitMs = order === 'hang' ? 2000 : 80_000
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
