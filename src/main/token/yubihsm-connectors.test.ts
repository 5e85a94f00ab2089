import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { parseConnectors, readConnectors } from './yubihsm-connectors.ts'

it('connectors of this machine are used, as the module’s configuration writes them', () => {
  const text = `# connector=http://127.0.0.1:1
connector=http://127.0.0.1:12345
connector = "http://localhost:12346"
  connector http://[::1]:12347/   # the third
connector=http://127.0.0.1:12345
timeout=5
`
  expect(parseConnectors(text)).toEqual({
    urls: ['http://127.0.0.1:12345', 'http://localhost:12346', 'http://[::1]:12347'],
    unused: [],
  })
})

it.each([
  'yhusb://serial=7550140',
  'yhusb://',
  'https://127.0.0.1:12345',
  'http://192.0.2.7:12345',
  'http://hsm.example.org:12345',
  'http://127.0.0.1.example.org:12345',
  'http://user:secret@127.0.0.1:12345',
  'http://127.0.0.1:12345/other',
  'http://127.0.0.1:12345/?x',
  'file:///etc/passwd',
  'nothing',
])('the log is not read through %s', (value) => {
  expect(parseConnectors(`connector=${value}\n`)).toEqual({ urls: [], unused: [value] })
})

it('a file that is not named, not there or far too large names none', () => {
  const large = join(tempFolder(), 'large.conf')
  writeFileSync(large, 'connector=http://127.0.0.1:12345\n'.repeat(3000))
  for (const file of [undefined, join(tempFolder(), 'absent.conf'), large])
    expect(readConnectors(file)).toEqual({ urls: [], unused: [] })
})
