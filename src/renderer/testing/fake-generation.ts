import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { GenerationPlan, KeyGeneration } from '../../shared/key-generation.ts'
import { algorithmsOf } from '../../shared/key-place.ts'
import type { RequestDetail } from '../../shared/request.ts'
import type { Result } from '../../shared/result.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { hexOf, minutesAgo, requestIdOf, sampleKey } from './sample-data.ts'

const wrongPin: Result<never, Failure> = {
  ok: false,
  error: { kind: 'refused', code: 'pin-incorrect', message: 'The token did not accept the PIN.' },
}

/** The part of the fake station that makes keys: what main would answer, at once. */
export function fakeGeneration(
  state: FakeState,
  emit: <E extends EventName>(name: E, payload: EventPayload<E>) => void,
  change: (id: string, by: (before: RequestDetail) => RequestDetail) => void,
) {
  const keep = (generation: KeyGeneration): KeyGeneration => {
    state.generations = [generation, ...state.generations.filter(({ id }) => id !== generation.id)]
    emit('keys.changed', null)
    return generation
  }
  const register = (generation: KeyGeneration): KeyGeneration => {
    const { plan } = generation
    const key = sampleKey({
      description: plan.description,
      production: plan.production,
      origin: 'generated',
      algorithm: plan.algorithm,
      fingerprint: hexOf(plan.description).toUpperCase() as NonNullable<KeyGeneration['fingerprint']>,
      createdAt: minutesAgo(0),
      lastUsedAt: null,
    })
    state.keys = [...state.keys, key]
    return keep({ ...generation, state: 'registered', fingerprint: key.fingerprint, failure: null })
  }
  const begun = (plan: GenerationPlan, requestId: KeyGeneration['requestId']): KeyGeneration => {
    const generation: KeyGeneration = {
      id: requestIdOf(900 + state.generations.length),
      requestId,
      plan,
      state: 'awaiting-certificate',
      spkiSha256: hexOf(`${plan.description} key`),
      certificateRequest: plan.certificate.kind === 'request' ? sampleCertificateRequest : null,
      fingerprint: null,
      certificateNotOnToken: null,
      failure: null,
      operator: state.status.operator,
      begunAt: minutesAgo(0),
      updatedAt: minutesAgo(0),
    }
    return plan.certificate.kind === 'request' ? keep(generation) : register(generation)
  }
  const found = (id: string): KeyGeneration => {
    const generation = state.generations.find((each) => each.id === id)
    if (generation === undefined) throw new Error(`no generation ${id}`)
    return generation
  }
  return {
    keysCreateAsset: async ({ workspace }) =>
      workspace === 'forbidden'
        ? {
            ok: false,
            error: {
              kind: 'refused',
              code: 'not-authenticated',
              message: 'The server does not let you make the asset of the key.',
            },
          }
        : { ok: true, value: { assetId: 91 } },
    generationAbilities: async ({ token }) => ({
      ok: true,
      value: {
        algorithms: [...algorithmsOf.uefi],
        taken: (state.tokens.find((seen) => seen.token.id.serial === token.serial)?.objects ?? []).map(
          ({ ckaId }) => ckaId,
        ),
      },
    }),
    generationList: async () => ({ ok: true, value: [...state.generations] }),
    generationBegin: async ({ plan, pin }) => (pin === state.pin ? { ok: true, value: begun(plan, null) } : wrongPin),
    generationContinue: async ({ id, pin }) =>
      pin === state.pin ? { ok: true, value: register(found(id)) } : wrongPin,
    generationBringCertificate: async ({ id, pin }) =>
      pin === state.pin ? { ok: true, value: register(found(id)) } : wrongPin,
    generationClose: async ({ id }) => {
      keep({ ...found(id), state: 'closed' })
      return { ok: true, value: null }
    },
    generationServe: async ({ requestId, place }) => {
      if (place.kind === 'token' && place.pin !== state.pin) return wrongPin
      const made = place.kind === 'token' ? begun(place.plan, requestId) : null
      change(requestId, (before) => ({
        ...before,
        summary: { ...before.summary, stage: 'done', outcome: 'signed' },
        generation: before.generation === null ? null : { ...before.generation, made },
      }))
      return { ok: true, value: null }
    },
  } satisfies Pick<
    StationApi,
    | 'keysCreateAsset'
    | 'generationAbilities'
    | 'generationList'
    | 'generationBegin'
    | 'generationContinue'
    | 'generationBringCertificate'
    | 'generationClose'
    | 'generationServe'
  >
}

export const sampleCertificateRequest = `-----BEGIN CERTIFICATE REQUEST-----
${'MIIBWzCB4gIBADAvMS0wKwYDVQQDDCRTZWN1cmUgQm9vdCBzaWduaW5nIDIwMjcg\n'.repeat(6)}-----END CERTIFICATE REQUEST-----
`
