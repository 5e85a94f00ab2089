import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { zipOf } from './zip.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const files = [
  { name: 'README.txt', content: Buffer.from('read me\n') },
  { name: 'evidence/empty.bin', content: new Uint8Array() },
  { name: 'evidence/large.bin', content: Buffer.alloc(300_000, 7) },
]

it('is the same bytes for the same files, and other tools read it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zip-'))
  folders.push(folder)
  const path = join(folder, 'evidence.zip')
  writeFileSync(path, zipOf(files))
  expect(Buffer.compare(zipOf(files), zipOf(files))).toBe(0)
  expect(execFileSync('unzip', ['-t', path], { encoding: 'utf8' })).toContain('No errors detected')
  const python =
    'import sys,zipfile,json; z=zipfile.ZipFile(sys.argv[1]); print(json.dumps([z.testzip(), [[i.filename, i.file_size, i.date_time[0], i.external_attr >> 16] for i in z.infolist()]]))'
  expect(JSON.parse(execFileSync('python3', ['-c', python, path], { encoding: 'utf8' }))).toEqual([
    null,
    [
      ['README.txt', 8, 1980, 0o100644],
      ['evidence/empty.bin', 0, 1980, 0o100644],
      ['evidence/large.bin', 300_000, 1980, 0o100644],
    ],
  ])
})

it.each(['../up', '/etc/passwd', 'a//b', 'a/../b', '', '.hidden', 'with space', 'a\\b', 'README.txt'])(
  'takes no file %j beside README.txt',
  (name) => {
    expect(() =>
      zipOf([files[0] ?? { name: '', content: new Uint8Array() }, { name, content: new Uint8Array() }]),
    ).toThrow(/a zip has no file/)
  },
)
