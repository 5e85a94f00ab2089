import { expect, it } from 'vitest'
import { scenarios } from '../../testing/scenarios.ts'
import { proposals, rowNote } from './modules-view.ts'

const { settings, found } = scenarios.fine()

it('proposes what is not in the list yet, and adds nothing that could not be loaded', () => {
  expect(proposals(settings.modules, found).map(({ name, mayAdd, kept }) => [name, mayAdd, kept === null])).toEqual([
    ['Smart cards (OpenSC)', true, true],
    ['vendor', false, false],
  ])
  expect(proposals(settings.modules, undefined)).toEqual([])
})

it('says a wrong architecture in words', () => {
  expect(proposals([], found).at(-1)?.words.text).toBe('made for 32-bit x86, and this program runs on 64-bit x86-64')
})

it('takes two paths of one file for one module', () => {
  const twice = [...settings.modules, { path: '/usr/lib/x86_64-linux-gnu/libykcs11.so.2.2.0', enabled: true }]
  expect(rowNote(twice, 0, found)).toBeNull()
  expect(rowNote(twice, 1, found)?.text).toBe('the same file as module 1; it is loaded once')
  expect(proposals(twice, found)).toHaveLength(2)
})
