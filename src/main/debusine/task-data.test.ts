import { describe, expect, it } from 'vitest'
import { signingInputOf, signTaskOf, workRequestOf } from './task-data.ts'
import { workRequestJson } from './testing/test-server.ts'

const key = 'A'.repeat(64)
const task = (
  over: Record<string, unknown> = {},
  dynamic: unknown = { unsigned_ids: [9, 11], unsigned_binary_package_names: ['shim', null] },
) => signTaskOf({ taskData: { purpose: 'uefi', key, unsigned: [9, 11], ...over }, dynamicTaskData: dynamic })

describe('a Sign task', () => {
  it('names purpose, key, inputs and their packages; lookups and caches are not looked at', () => {
    expect(task({ unsigned: ['lookup@x'], task_configuration: 5 })).toEqual({
      ok: true,
      value: { purpose: 'uefi', fingerprint: key, unsignedIds: [9, 11], binaryPackageNames: ['shim', null] },
    })
    expect(task({ purpose: 'openpgp', key: 'B'.repeat(40) })).toMatchObject({ ok: true, value: { purpose: 'openpgp' } })
  })

  it.each<[string, () => unknown]>([
    ['no data', () => signTaskOf({ taskData: null, dynamicTaskData: null })],
    ['no assignment yet', () => task({}, null)],
    ['no purpose', () => task({ purpose: undefined })],
    ['a purpose that is no word', () => task({ purpose: 'uefi\u202e' })],
    ['a key in lower case', () => task({ key: key.toLowerCase() })],
    ['a key with colons', () => task({ key: 'AA:BB' })],
    ['no inputs', () => task({}, { unsigned_ids: [], unsigned_binary_package_names: [] })],
    ['fewer names than inputs', () => task({}, { unsigned_ids: [9, 11], unsigned_binary_package_names: ['shim'] })],
    ['more names than inputs', () => task({}, { unsigned_ids: [9], unsigned_binary_package_names: ['shim', 'grub'] })],
    ['an input twice', () => task({}, { unsigned_ids: [9, 9], unsigned_binary_package_names: ['shim', 'shim'] })],
    ['an id as text', () => task({}, { unsigned_ids: ['9'], unsigned_binary_package_names: ['shim'] })],
    ['an id of zero', () => task({}, { unsigned_ids: [0], unsigned_binary_package_names: ['shim'] })],
    ['a name that turns round', () => task({}, { unsigned_ids: [9], unsigned_binary_package_names: ['mihs\u202e'] })],
    ['an empty name', () => task({}, { unsigned_ids: [9], unsigned_binary_package_names: [''] })],
    [
      '1001 inputs',
      () =>
        task(
          {},
          {
            unsigned_ids: Array.from({ length: 1001 }, (_, n) => n + 1),
            unsigned_binary_package_names: Array.from({ length: 1001 }, () => null),
          },
        ),
    ],
  ])('is malformed with %s', (_name, parse) => {
    expect(parse()).toMatchObject({ ok: false, error: { code: 'task-malformed', kind: 'invalid' } })
  })
})

describe('a signing input', () => {
  it('keeps "nothing said" and "none" apart', () => {
    const certs = (data: unknown) => {
      const parsed = signingInputOf(data)
      return parsed.ok ? parsed.value.trustedCerts : parsed.error.code
    }
    expect(certs({ trusted_certs: null, binary_package_name: 'shim' })).toBeNull()
    expect(certs({ binary_package_name: 'shim' })).toBeNull()
    expect(certs({ trusted_certs: [] })).toEqual([])
    expect(certs({ trusted_certs: ['AB', 'ab'] })).toEqual(['AB', 'ab'])
    expect(certs({ trusted_certs: 'AB' })).toBe('artifact-malformed')
    expect(certs({ trusted_certs: [5] })).toBe('artifact-malformed')
    expect(certs({ trusted_certs: [''] })).toBe('artifact-malformed')
    expect(certs({ trusted_certs: ['A\u200bB'] })).toBe('artifact-malformed')
    expect(certs({ trusted_certs: [], binary_package_name: 5 })).toBe('artifact-malformed')
    expect(certs(null)).toBe('artifact-malformed')
  })
})

describe('a work request that was kept', () => {
  it('is read again as it was, or not at all', () => {
    const text = JSON.stringify(workRequestJson)
    expect(workRequestOf(text)).toMatchObject({
      ok: true,
      value: { id: 7, taskName: 'sign', priority: 0, retryCount: 0, scope: 'debusine', worker: 3 },
    })
    expect(workRequestOf(text.slice(0, 200))).toMatchObject({ ok: false, error: { code: 'task-malformed' } })
    expect(workRequestOf('{}')).toMatchObject({ ok: false, error: { code: 'task-malformed' } })
  })
})
