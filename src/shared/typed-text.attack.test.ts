import { describe, expect, it } from 'vitest'
import { contract } from './contract.ts'
import { settings } from './settings.ts'

// A window that was taken over can send any JSON text; a lone surrogate has no UTF-8, and SQLite ends a text at a NUL.

const requestId = '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10'
const good = {
  stationName: 'desk.example.org',
  operatorName: 'Release Manager',
  theme: 'system',
  server: { apiUrl: 'https://debusine.example.org/api', caPem: null, scope: null },
  modules: [],
  trustedCerts: [],
  checkpointFolders: [],
  witnesses: [],
  keyRequests: { accept: false, software: true, tokens: 'any' },
  yubihsm: { connectors: [], caPem: null },
} as const

describe.each([
  ['half of a character', '\ud800'],
  ['a NUL', '\0Release Manager'],
  ['nothing but blanks', ' \t'],
])('words of a person that hold %s', (_name, text) => {
  it('are refused before anything is written', () => {
    const refused = [
      settings.safeParse({ ...good, operatorName: text }),
      settings.safeParse({ ...good, stationName: text }),
      contract['station.create'].input.safeParse({ stationName: 'desk', operatorName: text }),
      contract['review.decline'].input.safeParse({ requestId, reason: text }),
      contract['signing.stop'].input.safeParse({ requestId, reason: text }),
      contract['incident.close'].input.safeParse({ requestId, note: text }),
    ]
    expect(refused.map((parsed) => parsed.success)).toEqual(refused.map(() => false))
  })
})

it('an address that has no UTF-8 is refused', () => {
  const server = { ...good.server, apiUrl: 'https://debusine.example.org/\ud800' }
  expect(settings.safeParse(good).success).toBe(true)
  expect(settings.safeParse({ ...good, server }).success).toBe(false)
})

describe('the certificate that a key is to make of itself', () => {
  const token = { manufacturer: 'SoftHSM project', model: 'SoftHSM v2', serial: '1' }
  const secrets = { pin: '123456', useLastTry: false }
  const wanted = {
    purpose: 'openpgp',
    token,
    ckaId: '0a',
    spkiSha256: null,
    description: 'Archive',
    production: true,
    plan: { userId: 'Archive <archive@example.org>', days: null },
    ...secrets,
  } as const
  const subkey = { token, ckaId: '0b', spkiSha256: null, primarySigns: false, ...secrets } as const
  const takes = (change: object) =>
    contract['keys.certify-openpgp'].input.safeParse({ ...wanted, subkey, ...change }).success

  it('has no user id that reads otherwise than it is', () => {
    const plan = (userId: string) => takes({ plan: { userId, days: null } })
    expect(plan('Jörg <joerg@example.org>')).toBe(true)
    for (const userId of [
      'A\nB <b@example.org>',
      'A\tB',
      'A \u202e<gro.elpmaxe@a>',
      'A\u2028B',
      'A\u0085B',
      'A\u001b[2KB',
    ])
      expect([userId, plan(userId)]).toEqual([userId, false])
  })

  it('is of keys whose ids are written as tokens have them', () => {
    expect(takes({})).toBe(true)
    // What follows no hexadecimal digit is left out where the token is asked, and stays in the record.
    for (const ckaId of ['', '0', '0A', '0azz', 'zz', '0x0a', ' 0a'])
      expect([ckaId, takes({ ckaId }), takes({ subkey: { ...subkey, ckaId } })]).toEqual([ckaId, false, false])
  })
})
