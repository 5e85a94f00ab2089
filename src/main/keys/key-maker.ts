import { randomBytes } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint, RequestId } from '../../shared/ids.ts'
import type { GeneratedAlgorithm, GenerationPlan } from '../../shared/key-generation.ts'
import { err, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import type { SoftwareKeyMaker } from '../token/token-service.ts'
import { createSoftwareKey } from './create-software-key.ts'
import { bringCertificate, closeGeneration, continueGeneration, recoverGenerations } from './finish-generation.ts'
import { generateOnToken } from './generate-key.ts'
import { listGenerations, type StoredGeneration } from './generation.repository.ts'
import { type GenerationPorts, wipe } from './generation-ports.ts'

/** What a person typed for the making of a key. Wiped whatever happens. */
export interface TypedSecrets {
  readonly pin: Secret
  readonly officerPin: Secret | null
  readonly useLastTry: boolean
}

/** The keys that this station has made, or set out to make. One at a time: a token has one owner, and the log one story. */
export interface KeyMaker {
  abilities(
    token: TokenId,
  ): Promise<Result<{ readonly algorithms: readonly GeneratedAlgorithm[]; readonly taken: readonly string[] }, Failure>>
  list(): Promise<readonly StoredGeneration[]>
  make(
    what: { readonly plan: GenerationPlan; readonly forRequest: RequestId | null },
    secrets: TypedSecrets,
    operator: string,
  ): Promise<Result<StoredGeneration, Failure>>
  goOn(id: RequestId, secrets: TypedSecrets, operator: string): Promise<Result<StoredGeneration, Failure>>
  bring(
    what: { readonly id: RequestId; readonly certificatePem: string },
    secrets: TypedSecrets,
    operator: string,
  ): Promise<Result<StoredGeneration, Failure>>
  close(id: RequestId, note: string, operator: string): Promise<Result<null, Failure>>
  /** `also`: what has to be written in the transaction that registers the key. */
  makeSoftware(
    description: string,
    operator: string,
    also: (trx: Transaction<Database>, print: Fingerprint) => Promise<void>,
  ): Promise<Result<Fingerprint, Failure>>
  /** After a start, before anything else is made. */
  recover(): Promise<Result<null, Failure>>
}

export interface KeyMakerPorts extends Omit<GenerationPorts, 'serialNumber' | 'tokens'> {
  readonly tokens: GenerationPorts['tokens'] & SoftwareKeyMaker
  readonly publish: <E extends EventName>(event: E, payload: EventPayload<E>) => void
}

export function createKeyMaker(given: KeyMakerPorts): KeyMaker {
  const ports: GenerationPorts = { ...given, serialNumber: randomSerial }
  let busy = false

  async function alone<T>(secrets: TypedSecrets, work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
    if (busy) {
      wipe(secrets)
      return err(another)
    }
    busy = true
    try {
      return await work()
    } finally {
      busy = false
      given.publish('generation.progress', { phase: 'over' })
    }
  }
  const watched = (secrets: TypedSecrets) => ({
    ...secrets,
    onSignal: (phase: 'login' | 'touch' | 'generating') => given.publish('generation.progress', { phase }),
  })

  return {
    abilities: (token) => ports.tokens.generationAbilities(token),
    list: () => listGenerations(ports.db),
    make: (what, secrets, operator) => alone(secrets, () => generateOnToken(ports, what, watched(secrets), operator)),
    goOn: (id, secrets, operator) => alone(secrets, () => continueGeneration(ports, id, watched(secrets), operator)),
    bring: (what, secrets, operator) => alone(secrets, () => bringCertificate(ports, what, watched(secrets), operator)),
    close: (id, note, operator) => closeGeneration(ports, id, note, operator),
    makeSoftware: (description, operator, also) => createSoftwareKey({ ...given, also }, description, operator),
    recover: () => recoverGenerations(ports),
  }
}

/** 20 octets, positive and without a leading zero (RFC 5280 §4.1.2.2). */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(20)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

const another: Failure = {
  kind: 'refused',
  code: 'generation-under-way',
  message: 'Another key is being made. Nothing was done. Wait until that one is finished.',
}
