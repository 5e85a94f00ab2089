import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { buildPe } from '../signing/pe/testing/pe-builder.ts'
import { InspectorProcess } from './inspector-process.ts'
import { makeInspectionBench } from './testing/inspection-bench.ts'

const bench = makeInspectionBench()
afterAll(() => bench.remove())
const never = new AbortController().signal
const { folder, file, options: base } = bench
const misbehaving = { ...base, entry: new URL('./testing/misbehave.ts', import.meta.url) }

describe('an inspection', { timeout: 90_000 }, () => {
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
