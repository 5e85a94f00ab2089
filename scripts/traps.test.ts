import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const table = readFileSync(join(root, 'docs/traps.md'), 'utf8')
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| trap') && !line.startsWith('| where'))
const named = (row: string) => [...row.matchAll(/`([\w./-]+\.(?:test|spec)\.ts)`: \*([^*]+)\*/g)]

/** Whether the file has the title, or, of a test that is made for several cases, that part of it. */
function hasTitle(file: string, title: string): boolean {
  const path = join(root, file)
  return existsSync(path) && readFileSync(path, 'utf8').includes(title)
}

describe('docs/traps.md', () => {
  it('has every numbered trap, and a test for each row', () => {
    expect(rows.flatMap((row) => /^\| \*\*(\d+)\*\*/.exec(row)?.[1] ?? [])).toEqual(
      Array.from({ length: 12 }, (_, index) => String(index + 1)),
    )
    expect(rows.filter((row) => named(row).length === 0)).toEqual([])
  })

  it('names tests that exist under that title', () => {
    const absent = rows.flatMap(named).filter(([, file = '', title = '']) => !hasTitle(file, title))
    expect(absent.map(([whole]) => whole)).toEqual([])
  })

  it('would find one that does not', () => {
    expect(hasTitle('scripts/traps.test.ts', 'names tests that exist under that title')).toBe(true)
    expect(hasTitle('scripts/traps.test.ts', ['a title', 'of no test'].join(' '))).toBe(false)
    expect(hasTitle('scripts/no-such.test.ts', 'names')).toBe(false)
  })
})
