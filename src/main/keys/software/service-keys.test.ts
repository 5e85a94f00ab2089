import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publicKeyOf } from './sealed-box.ts'
import { generateServiceKey, readServiceKeys, wipeServiceKeys } from './service-keys.ts'

describe('service keys', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'service-keys-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const write = (name: string, bytes = Buffer.alloc(32, 1), mode = 0o600) => {
    writeFileSync(join(folder, name), bytes, { mode })
    chmodSync(join(folder, name), mode)
  }
  const outcome = () => {
    const read = readServiceKeys(folder)
    return read.ok ? read.value.map(({ file }) => file) : `${read.error.code}: ${read.error.detail}`
  }

  test('makes a file of 32 octets, mode 0600, and tells its public half', () => {
    const path = join(folder, 'a.key')
    const made = generateServiceKey(path)
    const secret = readFileSync(path)
    expect({ size: secret.length, mode: statSync(path).mode & 0o777 }).toEqual({ size: 32, mode: 0o600 })
    expect(made).toEqual({ ok: true, value: publicKeyOf(secret) })
  })

  test('never replaces a key', () => {
    write('a.key')
    expect(generateServiceKey(join(folder, 'a.key'))).toMatchObject({
      ok: false,
      error: { code: 'service-key-exists' },
    })
    expect(readFileSync(join(folder, 'a.key'))).toEqual(Buffer.alloc(32, 1))
  })

  test('says that a key cannot be written', () => {
    expect(generateServiceKey(join(folder, 'absent', 'a.key'))).toMatchObject({
      ok: false,
      error: { code: 'service-key-unwritable', detail: 'ENOENT' },
    })
  })

  test('reads several in sort order, the first of which encrypts, and leaves other files alone', () => {
    write('20-new.key')
    write('10-old.key')
    write('README', Buffer.from('not a key'))
    expect(outcome()).toEqual(['10-old.key', '20-new.key'])
  })

  test('says that there are none', () => {
    expect(outcome()).toMatch(/^service-keys-absent/)
    rmSync(folder, { recursive: true })
    expect(outcome()).toMatch(/^service-keys-absent/)
    folder = mkdtempSync(join(tmpdir(), 'service-keys-'))
  })

  test('reads at most 64, and says so rather than that there is none', () => {
    for (let index = 0; index <= 64; index += 1) write(`${index}.key`)
    expect(outcome()).toBe('service-key-unsafe: 65 files *.key')
  })

  test.each([
    ['readable by the group', () => write('b.key', Buffer.alloc(32), 0o640), 'has mode 0640'],
    ['writable by others', () => write('b.key', Buffer.alloc(32), 0o602), 'has mode 0602'],
    ['too short', () => write('b.key', Buffer.alloc(31)), 'has 31 octets'],
    ['too long, as with a newline', () => write('b.key', Buffer.alloc(33)), 'has 33 octets'],
    ['a symbolic link', () => symlinkSync(join(folder, 'a.key'), join(folder, 'b.key')), 'is a symbolic link'],
    [
      'a pipe that would block',
      () => spawnSync('mkfifo', ['-m', '600', join(folder, 'b.key')]),
      'is not a regular file',
    ],
  ])('refuses the whole folder if one key is %s', (_, plant, what) => {
    write('a.key')
    plant()
    expect(outcome()).toMatch(`service-key-unsafe: b.key ${what}`)
  })

  test('zeroes what was read', () => {
    write('a.key', Buffer.alloc(32, 5))
    const read = readServiceKeys(folder)
    const keys = read.ok ? read.value : []
    wipeServiceKeys(keys)
    expect(keys.map(({ secretKey }) => Buffer.from(secretKey))).toEqual([Buffer.alloc(32)])
  })
})
