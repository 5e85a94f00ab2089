import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import { noExpiry } from '../../shared/no-expiry.ts'
import type { Result } from '../../shared/result.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { minutesAgo, sampleKey } from './sample-data.ts'

const wrongPin: Result<never, Failure> = {
  ok: false,
  error: { kind: 'refused', code: 'pin-incorrect', message: 'The token did not accept the PIN.' },
}
const print = 'A1B2'.repeat(10) as RegisteredKey['fingerprint']

const subkeyPrint = 'C3D4'.repeat(10) as RegisteredKey['fingerprint']

/** A key as it is registered with an OpenPGP certificate. */
export function sampleOpenPgpKey(change: Partial<RegisteredKey> = {}): RegisteredKey {
  const key = sampleKey({ purpose: 'openpgp', fingerprint: print, algorithm: 'ed25519', description: 'Uploads 2027' })
  const userId = 'Uploads <uploads@example.org>'
  return {
    ...key,
    certificate: { ...key.certificate, subject: userId, issuer: userId, serial: print, notAfter: noExpiry },
    certificatePem: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDM=\n-----END PGP PUBLIC KEY BLOCK-----\n',
    openpgp: {
      version: 4,
      userIds: [userId],
      signingFingerprint: print,
      created: minutesAgo(0),
      revoked: false,
      revocation: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\niHg=\n-----END PGP PUBLIC KEY BLOCK-----\n',
      primary: null,
    },
    ...change,
  }
}

/** The part of the fake station that changes OpenPGP certificates. */
export function fakeOpenPgp(state: FakeState, emit: <E extends EventName>(name: E, payload: EventPayload<E>) => void) {
  function keep(key: RegisteredKey): Result<RegisteredKey, Failure> {
    state.keys = [...state.keys.filter(({ fingerprint }) => fingerprint !== key.fingerprint), key]
    emit('keys.changed', null)
    return { ok: true, value: key }
  }
  function found(fingerprint: string): RegisteredKey {
    const key = state.keys.find((each) => each.fingerprint === fingerprint)
    if (key === undefined) throw new Error(`no key ${fingerprint}`)
    return key
  }
  return {
    keysCertifyOpenpgp: async ({ description, production, pin, token, ckaId, subkey }) => {
      if (pin !== state.pin || (subkey?.pin ?? state.pin) !== state.pin) return wrongPin
      const key = sampleOpenPgpKey({ description, production })
      if (subkey === undefined || key.openpgp === null) return keep(key)
      return keep({
        ...key,
        home: { kind: 'token', token: subkey.token, ckaId: subkey.ckaId, pkcs11Uri: '' },
        openpgp: { ...key.openpgp, signingFingerprint: subkeyPrint, primary: { token, ckaId, algorithm: 'rsa-2048' } },
      })
    },
    keysExtendOpenpgp: async ({ fingerprint, days, pin }) => {
      if (pin !== state.pin) return wrongPin
      const key = found(fingerprint)
      const notAfter = days === null ? noExpiry : minutesAgo(-days * 24 * 60)
      return keep({ ...key, certificate: { ...key.certificate, notAfter } })
    },
    keysRevokeOpenpgp: async ({ fingerprint, pin }) => {
      if (pin !== state.pin) return wrongPin
      const key = found(fingerprint)
      return keep({ ...key, openpgp: key.openpgp === null ? null : { ...key.openpgp, revoked: true } })
    },
    keysBringOpenpgp: async ({ fingerprint, certificate }) =>
      keep({ ...found(fingerprint), certificatePem: certificate }),
  } satisfies Pick<StationApi, 'keysCertifyOpenpgp' | 'keysExtendOpenpgp' | 'keysRevokeOpenpgp' | 'keysBringOpenpgp'>
}
