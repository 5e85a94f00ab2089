import { expect, test } from 'vitest'
import { createKeyUses } from './key-uses.ts'

const key = { purpose: 'uefi', fingerprint: 'C3' }

test('A key is stopped before the change of its state is made, and no other key is', async () => {
  const uses = createKeyUses()
  const [use, other, ended] = [
    uses.begin(key),
    uses.begin({ ...key, fingerprint: 'C4' }),
    uses.begin({ ...key, purpose: 'kmod' }),
  ]
  await ended.end()
  await uses.stopFor(key, async () => {
    expect([use, other, ended].map(({ signal }) => signal.aborted)).toEqual([true, false, false])
  })
})

test('A use that begins while the state changes is stopped as it begins, and its end waits for the change', async () => {
  const uses = createKeyUses()
  const order: string[] = []
  const { promise: written, resolve: write } = Promise.withResolvers<void>()
  const changed = uses.stopFor(key, () => written).then(() => order.push('changed'))
  const use = uses.begin(key)
  expect(use.signal.aborted).toBe(true)
  const ended = use.end().then(() => order.push('ended'))
  write()
  await Promise.all([changed, ended])
  expect(order[0]).toBe('changed')
  expect(uses.begin(key).signal.aborted).toBe(false)
})

test('A change that fails leaves the key free for the next use', async () => {
  const uses = createKeyUses()
  await expect(uses.stopFor(key, () => Promise.reject(new Error('the disk is full')))).rejects.toThrow('full')
  expect(uses.begin(key).signal.aborted).toBe(false)
})
