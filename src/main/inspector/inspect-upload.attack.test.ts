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
    value: {
      kind: 'upload-document',
      source: 'hello',
      version: '1.0',
      faults: [],
      closes: ['123456', '654321'],
      others: [{ name: 'Binary' }, { name: 'Description' }],
    },
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

it('answers within its bounds of a document that is one huge field of letters that JSON doubles', {
  timeout: 60_000,
}, async () => {
  const dsc = sampleUpload().get('hello_1.0.dsc')?.toString() ?? ''
  const huge = Array.from({ length: 46 }, () => ` ${'"'.repeat(19_980)}\n`).join('')
  const file = bench.file(dsc.replace('Checksums-Sha1:', `X-Huge:\n${huge}Checksums-Sha1:`))
  const answer = await inspector.inspect({ ...file, as: 'dsc' }, never)
  if (!answer.ok || answer.value.kind !== 'upload-document') throw new Error('no facts')
  expect(answer.value.faults).toEqual([])
  expect(answer.value.others?.find(({ name }) => name === 'X-Huge')).toMatchObject({
    lines: 47,
    bytes: 919_172,
    cutBytes: 919_172 - 264_144,
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
