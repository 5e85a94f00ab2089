import { ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { sampleRelease } from '../debian/testing/sample-release.ts'
import { sampleUpload } from '../debian/testing/sample-upload.ts'
import { InspectorProcess } from './inspector-process.ts'
import { makeInspectionBench } from './testing/inspection-bench.ts'

const bench = makeInspectionBench()
afterAll(() => bench.remove())
const never = new AbortController().signal
const inspector = new InspectorProcess(bench.options)

it('reads the documents of an upload in its process, and a Release beside the one before', {
  timeout: 60_000,
}, async () => {
  const files = sampleUpload()
  const changes = bench.file(files.get('hello_1.0_amd64.changes') ?? '')
  expect(await inspector.inspect({ ...changes, as: 'changes' }, never)).toMatchObject({
    ok: true,
    value: { kind: 'upload-document', source: 'hello', version: '1.0', faults: [], closes: ['123456', '654321'] },
  })
  const before = join(bench.folder, 'before')
  writeFileSync(before, sampleRelease({ indexes: { a: 'a' } }))
  const release = bench.file(sampleRelease({ indexes: { a: 'b' } }))
  expect(await inspector.inspect({ ...release, as: 'release', before }, never)).toMatchObject({
    ok: true,
    value: { kind: 'release', change: { changed: 1, added: 0 } },
  })
  expect(await inspector.inspect({ ...release, as: 'release' }, never)).toMatchObject({
    ok: true,
    value: { change: null },
  })
})

it('refuses 200 MB of garbage as a .changes by its size, and what is just below the limit by its first bytes', {
  timeout: 60_000,
}, async () => {
  const path = join(bench.folder, 'garbage.changes')
  const fd = openSync(path, 'w')
  writeSync(fd, Buffer.from([0xff, 0xfe, 0x00, 0x80]))
  ftruncateSync(fd, 200 * 1024 * 1024)
  const large = await inspector.inspect({ path, name: 'garbage.changes', as: 'changes' }, never)
  expect(large).toMatchObject({
    ok: true,
    value: {
      kind: 'upload-document',
      bodySha256: null,
      faults: [
        {
          code: 'too-large',
          message: `The file has ${200 * 1024 * 1024} bytes; no more than 983040 are read of its kind.`,
        },
      ],
    },
  })
  ftruncateSync(fd, 960 * 1024)
  expect(await inspector.inspect({ path, name: 'garbage.changes', as: 'changes' }, never)).toMatchObject({
    ok: true,
    value: { faults: [{ code: 'not-utf8' }] },
  })
})
