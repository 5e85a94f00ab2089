import { createHash, randomUUID } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { type AuditSeq, auditSeq, type RequestId, requestId, sha256Hex } from '../../shared/ids.ts'
import type { GenerationPlan } from '../../shared/key-generation.ts'
import { algorithmsOf, defaultPolicies, idProblem, tokenKind } from '../../shared/key-place.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { step } from '../app/steps.ts'
import type { GenerationFailure } from '../token/token-service.ts'
import { certify, prepareOwn } from './certify-key.ts'
import { changeGeneration, type StoredGeneration } from './generation.repository.ts'
import { type GenerationPorts, type GenerationSecrets, reread, wipe, writeLogin } from './generation-ports.ts'

/**
 * Makes a key on a token: intent on disk, then the token is asked, then what came of it. From the intent on the answer is the
 * generation in the state that it reached; before it, a failure that changed nothing. Whatever is under the id stays.
 */
export async function generateOnToken(
  ports: GenerationPorts,
  { plan, forRequest }: { readonly plan: GenerationPlan; readonly forRequest: RequestId | null },
  secrets: GenerationSecrets,
  operator: string,
): Promise<Result<StoredGeneration, Failure>> {
  try {
    const sensible = checkPlan(plan, secrets)
    if (!sensible.ok) return sensible
    const able = await checkToken(ports, plan)
    if (!able.ok) return able
    step('intent', 'before')
    const begun = await begin(ports, plan, forRequest, operator)
    step('intent', 'after')
    if (!begun.ok) return begun
    step('generation', 'before')
    secrets.onSignal('generating')
    const made = await ports.tokens.generateKey(
      {
        token: plan.token,
        ckaId: plan.ckaId,
        label: plan.label,
        algorithm: plan.algorithm,
        policies: plan.policies,
      },
      writeLogin(secrets),
    )
    step('generation', 'after')
    if (!made.ok) return await notMade(ports, begun.value, plan, made.error, operator)
    const kept = await keepMade(ports, begun.value, plan, made.value.spki, operator)
    if (!kept.ok) return kept
    return await certify(ports, { ...kept.value, operator }, secrets)
  } finally {
    wipe(secrets)
  }
}

interface Begun {
  readonly id: RequestId
  /** Under which the log speaks of it. */
  readonly spokenOf: RequestId
  readonly intentSeq: AuditSeq
  readonly begunAt: string
}

function checkPlan(plan: GenerationPlan, { officerPin }: GenerationSecrets): Result<null, Failure> {
  const kind = tokenKind(plan.token)
  const wrongId = idProblem(kind, plan.ckaId)
  if (wrongId !== null) return err(invalid('id-malformed', `${wrongId} No key was made.`))
  if (!algorithmsOf[plan.purpose].includes(plan.algorithm))
    return err(
      invalid(
        'algorithm-unsupported',
        `Keys ${plan.algorithm} do not sign for the purpose “${plan.purpose}”. No key was made.`,
      ),
    )
  if (isOpenPgp(plan.purpose) !== (plan.certificate.kind === 'openpgp'))
    return err(
      invalid(
        'certificate-of-another-kind',
        `A key for “${plan.purpose}” has another kind of certificate. No key was made.`,
      ),
    )
  const { certificate } = plan
  if (certificate.kind === 'openpgp' && certificate.form === 'v4-ed25519' && plan.algorithm !== 'ed25519')
    return err(invalid('algorithm-unsupported', 'Algorithm 27 is a way to write Ed25519 keys alone. No key was made.'))
  const ofYubiKey = plan.policies.pin !== defaultPolicies.pin || plan.policies.touch !== defaultPolicies.touch
  if (kind !== 'piv' && ofYubiKey)
    return err(invalid('policies-unsupported', 'Only a YubiKey has PIN and touch policies. No key was made.'))
  if (kind === 'piv' && officerPin === null)
    return err(invalid('management-key-wanted', 'A YubiKey makes a key only with its management key. No key was made.'))
  // The PIN of the security officer is not asked of a token that does not need it.
  if (kind !== 'piv' && officerPin !== null)
    return err(invalid('management-key-not-wanted', 'This token has no management key. No key was made.'))
  return ok(null)
}

async function checkToken(ports: GenerationPorts, plan: GenerationPlan): Promise<Result<null, Failure>> {
  const able = await ports.tokens.generationAbilities(plan.token)
  if (!able.ok) return able
  if (!able.value.algorithms.includes(plan.algorithm))
    return err(
      invalid(
        'algorithm-unsupported',
        `The token does not make keys ${plan.algorithm}. No key was made. Choose another algorithm.`,
      ),
    )
  if (able.value.taken.includes(plan.ckaId)) return err(occupied)
  return ok(null)
}

/** On disk before the token is asked for anything (invariant I1). */
async function begin(
  ports: GenerationPorts,
  plan: GenerationPlan,
  forRequest: RequestId | null,
  operator: string,
): Promise<Result<Begun, Failure>> {
  const id = requestId.parse(randomUUID())
  const spokenOf = forRequest ?? id
  const at = ports.now().toISOString()
  const written = await writeTransaction(ports.db, async (trx) => {
    if (await underWay(trx, plan, forRequest)) return null
    const [seq] = await ports.audit.append(trx, [
      {
        event: 'key-generation-intended',
        requestId: spokenOf,
        purpose: plan.purpose,
        description: plan.description,
        production: plan.production,
        algorithm: plan.algorithm,
        pinPolicy: plan.policies.pin,
        touchPolicy: plan.policies.touch,
        tokenSerial: plan.token.serial,
        ckaId: plan.ckaId,
        operator,
      },
    ])
    const intentSeq = auditSeq.parse(seq)
    await trx
      .insertInto('key_generation')
      .values({
        id,
        request_id: forRequest,
        plan: JSON.stringify(plan),
        token_serial: plan.token.serial,
        cka_id: plan.ckaId,
        state: 'intended',
        intent_seq: intentSeq,
        spki: null,
        spki_sha256: null,
        certificate_request: null,
        fingerprint: null,
        certificate_not_on_token: null,
        failure: null,
        operator,
        begun_at: at,
        updated_at: at,
      })
      .execute()
    return { id, spokenOf, intentSeq, begunAt: at }
  })
  if (!written.ok) return written
  return written.value === null ? err(another) : ok(written.value)
}

/** One key is made at a time, and an id whose last key is not settled is not used again. */
async function underWay(
  trx: Transaction<Database>,
  plan: GenerationPlan,
  forRequest: RequestId | null,
): Promise<boolean> {
  const open = await trx
    .selectFrom('key_generation')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('state', '=', 'intended'),
        eb.and([
          eb('token_serial', '=', plan.token.serial),
          eb('cka_id', '=', plan.ckaId),
          eb('state', 'in', ['made', 'awaiting-certificate', 'incident']),
        ]),
        ...(forRequest === null
          ? []
          : [eb.and([eb('request_id', '=', forRequest), eb('state', 'not in', ['failed', 'closed'])])]),
      ]),
    )
    .executeTakeFirst()
  return open !== undefined
}

async function notMade(
  ports: GenerationPorts,
  { id, spokenOf, intentSeq }: Begun,
  plan: GenerationPlan,
  { keyMayExist, kind, code, message }: GenerationFailure,
  operator: string,
): Promise<Result<StoredGeneration, Failure>> {
  const tokenSerial = plan.token.serial
  const loginFailed = code === 'pin-incorrect' || code === 'pin-locked'
  const written = await writeTransaction(ports.db, async (trx) => {
    if (loginFailed)
      await ports.audit.append(trx, [{ event: 'login-failed', requestId: spokenOf, code, tokenSerial, operator }])
    await ports.audit.append(trx, [
      keyMayExist
        ? { event: 'incident-opened', requestId: spokenOf, openIntents: [intentSeq], reason: message }
        : { event: 'key-generation-failed', requestId: spokenOf, intentSeq, code, message, tokenSerial, operator },
    ])
    const failure = JSON.stringify({ kind, code, message })
    const state = keyMayExist ? 'incident' : 'failed'
    await changeGeneration(trx, id, ['intended'], { state, failure }, ports.now().toISOString())
  })
  return written.ok ? reread(ports, id) : written
}

/** The key is there: its public half, and what it is about to sign first, in one transaction. */
async function keepMade(
  ports: GenerationPorts,
  { id, begunAt }: Begun,
  plan: GenerationPlan,
  spki: Uint8Array,
  operator: string,
) {
  const spkiSha256 = sha256Hex.parse(createHash('sha256').update(spki).digest('hex'))
  const prepared = prepareOwn(ports, { plan, begunAt }, spki)
  const written = await writeTransaction(ports.db, async (trx) => {
    await ports.audit.append(trx, [
      {
        event: 'key-generated',
        purpose: plan.purpose,
        description: plan.description,
        algorithm: plan.algorithm,
        spkiSha256,
        digest: Buffer.from(prepared.request.digest).toString('hex'),
        tokenSerial: plan.token.serial,
        operator,
      },
    ])
    const change = { state: 'made', spki: Buffer.from(spki), spki_sha256: spkiSha256 } as const
    await changeGeneration(trx, id, ['intended'], change, ports.now().toISOString())
  })
  if (!written.ok) return written
  const generation = await reread(ports, id)
  return generation.ok ? ok({ generation: generation.value, prepared }) : generation
}

function invalid(code: string, message: string): Failure {
  return { kind: 'invalid', code, message }
}
const occupied: Failure = {
  kind: 'refused',
  code: 'id-occupied',
  message:
    'Something is under this id on the token already. Nothing was made, and nothing was overwritten. Choose an id that is free.',
}
const another: Failure = {
  kind: 'refused',
  code: 'generation-under-way',
  message:
    'Another key is being made, or the last key under this id is not settled yet. Nothing was made. Finish or close that one first.',
}
