import { expect, it } from 'vitest'
import { readableEntry } from './audit-view.ts'

it('shows an entry that is no JSON as it is', () => {
  expect(readableEntry('{"a":')).toBe('{"a":')
})
