import type { EventName, EventPayload } from '../../shared/events.ts'
import type { ImportRow } from '../../shared/key-import.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { hexOf, minutesAgo, sampleKey } from './sample-data.ts'

type Emit = <E extends EventName>(name: E, payload: EventPayload<E>) => void
type SoftwareKeyApi = Pick<
  StationApi,
  | 'keysServiceList'
  | 'keysServiceMake'
  | 'keysReencrypt'
  | 'keysReencryptStop'
  | 'keysImportPreview'
  | 'keysImport'
  | 'keysImportStop'
  | 'keysExportSoftware'
>

const print = (name: string) => hexOf(name).toUpperCase() as NonNullable<ImportRow['fingerprint']>

function rows(): ImportRow[] {
  const about = { purpose: 'uefi', serviceKey: hexOf('service key') }
  return [
    {
      ...about,
      place: 155,
      fingerprint: print('on token'),
      name: null,
      serviceKey: null,
      verdict: 'leave',
      code: 'on-token',
      why: 'Its private half is on a token (token testbed, object uefi-hsm). Plug the token in and register the key here.',
    },
    {
      ...about,
      place: 156,
      fingerprint: print('imported'),
      name: 'CN=Secure Boot 2024',
      verdict: 'take',
      code: 'takeable',
      why: 'It opens, and is the key of its certificate.',
    },
    {
      ...about,
      place: 157,
      purpose: 'openpgp',
      fingerprint: print('openpgp'),
      name: null,
      verdict: 'leave',
      code: 'purpose-not-served',
      why: 'This station does not sign for openpgp.',
    },
  ]
}

/** Service keys, and keys that come from debusine-signing and go back. */
export function fakeSoftwareKeys(state: FakeState, emit: Emit): SoftwareKeyApi {
  return {
    keysServiceList: async () => ({ ok: true, value: state.serviceKeys }),
    keysServiceMake: async () => {
      const { keys } = state.serviceKeys
      const made = {
        file: `${9999 - keys.length}-0a1b2c3d.key`,
        fingerprint: hexOf(`service ${keys.length}`),
      }
      const records = keys.reduce((sum, key) => sum + key.opens, 0)
      state.serviceKeys = {
        ...state.serviceKeys,
        keys: [
          { ...made, problem: null, encrypts: true, opens: 0 },
          ...keys.map((key) => ({ ...key, encrypts: false })),
        ],
        waiting: records,
      }
      emit('keys.changed', null)
      return { ok: true, value: made }
    },
    keysReencrypt: async () => {
      const { keys, waiting } = state.serviceKeys
      const [first] = keys
      if (first === undefined || first.fingerprint === null)
        return {
          ok: false,
          error: {
            kind: 'unavailable',
            code: 'service-keys-absent',
            message: 'There is no service key, so nothing can be sealed anew.',
          },
        }
      for (let count = 0; count <= waiting; count += 1) emit('keys.reencrypt-progress', { done: count, total: waiting })
      state.serviceKeys = {
        ...state.serviceKeys,
        keys: keys.map((key, index) => ({ ...key, opens: index === 0 ? waiting + key.opens : 0 })),
        waiting: 0,
      }
      emit('keys.changed', null)
      return {
        ok: true,
        value: { to: first.fingerprint, reencrypted: waiting, already: 0, kept: [], stopped: false },
      }
    },
    keysReencryptStop: async () => ({ ok: true, value: null }),
    keysImportPreview: async ({ path }) =>
      path.endsWith('.sql')
        ? {
            ok: true,
            value: { format: 'postgresql-copy', dumpSha256: hexOf('dump'), rows: rows(), taking: 1 },
          }
        : {
            ok: false,
            error: {
              kind: 'unavailable',
              code: 'dump-unreadable',
              message: 'The dump cannot be read. Nothing was taken.',
            },
          },
    keysImport: async () => {
      emit('keys.import-progress', { done: 1, total: 1 })
      state.keys = [
        ...state.keys,
        sampleKey({
          description: 'Secure Boot 2024',
          fingerprint: print('imported'),
          production: false,
          origin: 'imported',
          home: { kind: 'software' },
          createdAt: minutesAgo(0),
          lastUsedAt: null,
        }),
      ]
      emit('keys.changed', null)
      return { ok: true, value: { taken: 1, left: 2, failed: [], stopped: false } }
    },
    keysImportStop: async () => ({ ok: true, value: null }),
    keysExportSoftware: async () => ({
      ok: true,
      value: {
        path: '/home/operator/.local/share/signing-station/exports/software-keys-20261120T120000000Z.json',
        keys: 1,
        sha256: hexOf('export'),
        serviceKeys: [{ fingerprint: hexOf('service key'), file: 'service-5e0c1a77.key' }],
      },
    }),
  }
}
