import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readSecretFile, removeSecretFile, writeSecretFile } from './secret-file.ts'

describe('a secret file', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'secret-'))
    path = join(folder, 'user-token')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const read = () => Buffer.from(readSecretFile(path)?.reveal() ?? []).toString('utf8')

  test('is of mode 0600 whatever the umask, and comes back', () => {
    for (const umask of [0o000, 0o077]) {
      const before = process.umask(umask)
      writeSecretFile(path, 'secret-of-the-user')
      process.umask(before)
      expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(read()).toBe('secret-of-the-user')
    }
  })
  test('replaces the old one whole, and leaves nothing beside it', () => {
    writeSecretFile(path, 'first')
    writeSecretFile(path, 'second')
    expect(readFileSync(path, 'utf8')).toBe('second')
    expect(readdirSync(folder)).toEqual(['user-token'])
  })
  test('that is not there is null; removing it twice is fine', () => {
    writeSecretFile(path, 'x')
    removeSecretFile(path)
    removeSecretFile(path)
    expect(readSecretFile(path)).toBeNull()
  })
  test.each([0o640, 0o604, 0o620, 0o601, 0o777])('that others can reach (mode %o) is refused', (mode) => {
    writeSecretFile(path, 'x')
    chmodSync(path, mode)
    expect(() => readSecretFile(path)).toThrow('mode 0600')
  })
  test('that is a link is refused, even to a good file: somebody else chose where it leads', () => {
    const target = join(folder, 'target')
    writeFileSync(target, 'x', { mode: 0o600 })
    symlinkSync(target, path)
    expect(() => readSecretFile(path)).toThrow('mode 0600')
  })
  test('that is a folder is refused', () => {
    mkdirSync(path, { mode: 0o700 })
    expect(() => readSecretFile(path)).toThrow('mode 0600')
  })
  test('is not written through a link that was planted in its place or beside it', () => {
    const victim = join(folder, 'victim')
    writeFileSync(victim, 'untouched')
    symlinkSync(victim, path)
    symlinkSync(victim, `${path}.new`)
    writeSecretFile(path, 'secret')
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
    expect(read()).toBe('secret')
    expect(existsSync(`${path}.new`)).toBe(false)
  })
  test('never prints', () => {
    writeSecretFile(path, 'secret-of-the-user')
    const secret = readSecretFile(path)
    expect(`${String(secret)} ${JSON.stringify({ secret })}`).not.toContain('secret-of')
  })
})
