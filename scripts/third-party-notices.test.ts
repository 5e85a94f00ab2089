import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { closure, importedPackages, notices } from './third-party-notices.ts'

const root = join(import.meta.dirname, '..')

describe('the third-party notices', () => {
  it('are what `npm run notices` would write now', () => {
    expect(readFileSync(join(root, 'THIRD-PARTY-NOTICES.md'), 'utf8')).toBe(notices(root))
  })

  it('cover packages that the bundles contain and nothing that only tests use', () => {
    const imported = importedPackages(root)
    expect(imported).toContain('zod')
    expect(imported).toContain('better-sqlite3')
    expect(imported).not.toContain('vitest')
    expect(imported).not.toContain('electron')
  })

  it('name the native part of a package for each machine that the program is shipped to, on each machine', () => {
    const text = notices(root)
    for (const part of ['usb-linux-x64-gnu', 'usb-linux-arm64-gnu'])
      expect(text).toContain(`## @node-usb/${part} 3.1.0`)
    for (const other of ['musl', 'darwin', 'win32', 'gnueabihf'])
      expect(text).not.toContain(`@node-usb/usb-linux-x64-${other}`)
    expect(text).not.toMatch(/## @node-usb\/usb-(?:darwin|win32)/)
  })

  it('follow what a package needs, through nested copies', () => {
    const lock = {
      packages: {
        'node_modules/a': { dependencies: { b: '1', c: '1' } },
        'node_modules/a/node_modules/b': { dependencies: { c: '1' } },
        'node_modules/b': {},
        'node_modules/c': { peerDependencies: { d: '1', e: '1' }, peerDependenciesMeta: { e: { optional: true } } },
        'node_modules/d': {},
        'node_modules/e': {},
      },
    }
    expect(closure(lock, ['a'])).toEqual([
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/c',
      'node_modules/d',
    ])
  })
})
