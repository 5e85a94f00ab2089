import type { AttestationRecord, AttestationVerdict } from '../../shared/attestation.ts'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { AuditSeq, Fingerprint } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { sampleAttestation } from './sample-attestations.ts'
import { hexOf, minutesAgo } from './sample-data.ts'

type AttestationCalls = Pick<
  StationApi,
  'keysAttestations' | 'keysAttest' | 'keysImportAttestation' | Extract<keyof StationApi, `roots${string}`>
>

const done: Result<null, Failure> = { ok: true, value: null }

/** Attestations and roots of a fake station: each look is put before those that are there, and nothing is ever taken away. */
export function fakeAttestations(
  state: FakeState,
  emit: <E extends EventName>(name: E, payload: EventPayload<E>) => void,
): AttestationCalls {
  function record(fingerprint: Fingerprint, source: AttestationRecord['source'], verdict: AttestationVerdict) {
    const key = state.keys.find((each) => each.fingerprint === fingerprint)
    if (key === undefined)
      return {
        ok: false as const,
        error: { kind: 'refused' as const, code: 'key-not-registered', message: 'No such key is registered.' },
      }
    const seq = (state.audit.length + state.attestations.length) as AuditSeq
    const look = sampleAttestation({ fingerprint, source, verdict, seq, at: minutesAgo(0) })
    state.attestations = [look, ...state.attestations]
    emit('keys.changed', null)
    return { ok: true as const, value: look }
  }
  const offeredIn = ({ text, paths }: { readonly text: string; readonly paths: readonly string[] }) => ({
    name: 'CN=Root of our own',
    sha256: hexOf(`${text}${paths.join()}`),
    role: 'root' as const,
    notAfter: '2036-01-01T00:00:00.000Z',
  })
  return {
    keysAttestations: async () => ({ ok: true, value: [...state.attestations] }),
    keysAttest: async ({ fingerprint }) =>
      record(fingerprint, 'token', { kind: 'not-offered', why: 'no-statement-for-key' }),
    keysImportAttestation: async ({ fingerprint }) =>
      record(fingerprint, 'files', { kind: 'failed', fault: 'another-key', facts: null }),
    rootsList: async () => ({ ok: true, value: [...state.roots] }),
    rootsRead: async (source) => ({ ok: true, value: [offeredIn(source)] }),
    rootsAdd: async ({ device, ...source }) => {
      const added = { source: 'operator', addedAt: minutesAgo(0), addedBy: state.status.operator } as const
      state.roots = [...state.roots, { ...offeredIn(source), device: [device], ...added }]
      return done
    },
    rootsWithdraw: async ({ sha256 }) => {
      state.roots = state.roots.filter((root) => root.source === 'shipped' || root.sha256 !== sha256)
      return done
    },
  }
}
