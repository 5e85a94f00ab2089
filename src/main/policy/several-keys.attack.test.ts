import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../shared/ids.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import { evaluate } from './evaluate.ts'
import { sampleArtifact, sampleKey, samplePolicyInput } from './testing/sample-input.ts'

// Which keys sign an index together, and in which order, is the server's word.

const printOf = (byte: string, version: 4 | 6 = 4) => fingerprint.parse(byte.repeat(version === 4 ? 20 : 32))
function openPgp(byte: string, ckaId: string, version: 4 | 6 = 4, change: Partial<RegisteredKey> = {}): RegisteredKey {
  const print = printOf(byte, version)
  const { home } = sampleKey()
  return sampleKey({
    purpose: 'openpgp-repository',
    fingerprint: print,
    home: home.kind === 'token' ? { ...home, ckaId } : home,
    openpgp: {
      version,
      userIds: ['Archive'],
      signingFingerprint: print,
      created: '2026-01-01T00:00:00.000Z',
      revoked: false,
      revocation: null,
      primary: null,
    },
    ...change,
  })
}

function keysCheck(first: RegisteredKey, ...more: readonly RegisteredKey[]) {
  const artifact = sampleArtifact()
  const checks = evaluate(
    samplePolicyInput({
      task: 'signrepositoryindex',
      purpose: 'openpgp-repository',
      fingerprint: first.fingerprint,
      key: first,
      artifacts: [artifact],
      further: more.map((key) => ({
        fingerprint: key.fingerprint,
        key,
        registeredFor: [],
        token: { kind: 'usable' },
        permission: artifact.permission,
        signedBefore: [],
      })),
    }),
  )
  return checks.find(({ id }) => id === 'key-registered')
}

describe('keys that sign one index', () => {
  it('pass where each is a key of its own and of one version', () => {
    expect(keysCheck(openPgp('A1', '02'), openPgp('B2', '03'))?.outcome).toBe('passed')
    expect(keysCheck(openPgp('A1', '02', 6))?.outcome).toBe('passed')
  })

  it('are refused where one key of a token stands for two, under two certificates', () => {
    const check = keysCheck(openPgp('A1', '02'), openPgp('B2', '03'), openPgp('C3', '02'))
    expect(check).toMatchObject({ outcome: 'refused' })
    expect(check?.sentence).toContain('keys 1 and 3 are the same key')
  })

  it.each<[4 | 6, 4 | 6]>([
    [4, 6],
    [6, 4],
  ])(
    'need a person’s word where one is of version %s and one of %s: readers of version 4 may refuse the file',
    (a, b) => {
      const check = keysCheck(openPgp('A1', '02', a), openPgp('B2', '03', b))
      expect(check).toMatchObject({ outcome: 'attention' })
      expect(check?.sentence).toContain('version 6')
      expect(check?.evidence).toContainEqual(expect.objectContaining({ outcome: 'attention' }))
    },
  )

  it('stay refused where a worse thing is known of one of them', () => {
    const stranger = openPgp('B2', '03', 6)
    const artifact = sampleArtifact()
    const first = openPgp('A1', '02')
    const further = { fingerprint: stranger.fingerprint, key: null, registeredFor: [], signedBefore: [] }
    const checks = evaluate(
      samplePolicyInput({
        task: 'signrepositoryindex',
        key: first,
        artifacts: [artifact],
        further: [{ ...further, token: { kind: 'usable' }, permission: artifact.permission }],
      }),
    )
    expect(checks.find(({ id }) => id === 'key-registered')).toMatchObject({
      outcome: 'refused',
      sentence: expect.stringContaining('No key'),
    })
  })
})
