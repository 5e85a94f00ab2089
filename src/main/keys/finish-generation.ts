import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { auditSeq, type RequestId } from '../../shared/ids.ts'
import type { CertificatePlan, KeyGeneration } from '../../shared/key-generation.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { CertificatePart } from '../audit/format/certificate-events.ts'
import { readCertificate } from '../pki/x509.ts'
import { certify, prepareOwn, putOnToken } from './certify-key.ts'
import { changeGeneration, findGeneration, listGenerations, type StoredGeneration } from './generation.repository.ts'
import { copyOf, type GenerationPorts, type GenerationSecrets, noSuchGeneration, wipe } from './generation-ports.ts'
import { registerKey } from './register-key.ts'

/** Goes on with a key that is on the token and has no certificate yet: a PIN was wrong, the station stopped. */
export async function continueGeneration(
  ports: GenerationPorts,
  id: RequestId,
  secrets: GenerationSecrets,
  operator: string,
): Promise<Result<StoredGeneration, Failure>> {
  try {
    const found = await inState(ports, id, ['made'])
    if (!found.ok) return found
    const generation = found.value
    const { plan, spki, spkiSha256, requestId } = generation
    if (spki === null || spkiSha256 === null) return err(notNow)
    const prepared = prepareOwn(ports, generation, spki)
    // Another use of the key than the one that is on record: it has other bytes (invariant I1).
    const intended = await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [
        {
          event: 'certificate-intended',
          requestId: requestId ?? id,
          purpose: plan.purpose,
          spkiSha256,
          what: firstSigned(plan.certificate),
          digest: Buffer.from(prepared.request.digest).toString('hex'),
          tokenSerial: plan.token.serial,
          operator,
        },
      ]),
    )
    if (!intended.ok) return intended
    return await certify(ports, { generation, prepared, operator }, secrets)
  } finally {
    wipe(secrets)
  }
}

/** The certificate of a CA came: it must be for the key that was made, and the key proves that it is still on the token. */
export async function bringCertificate(
  ports: GenerationPorts,
  { id, certificatePem }: { readonly id: RequestId; readonly certificatePem: string },
  secrets: GenerationSecrets,
  operator: string,
): Promise<Result<StoredGeneration, Failure>> {
  try {
    const found = await inState(ports, id, ['awaiting-certificate'])
    if (!found.ok) return found
    const { plan, spkiSha256 } = found.value
    const certificate = readCertificate(certificatePem)
    if (!certificate.ok) return certificate
    if (certificate.value.spkiSha256 !== spkiSha256) return err(otherKey)
    const { purpose, token, ckaId, description, production } = plan
    const registered = await registerKey(
      {
        ...ports,
        also: async (trx, print) => {
          const change = { state: 'registered', fingerprint: print, failure: null } as const
          await changeGeneration(trx, id, ['awaiting-certificate'], change, ports.now().toISOString())
        },
      },
      {
        purpose,
        token,
        ckaId,
        description,
        production,
        certificatePem,
        pin: copyOf(secrets.pin),
        useLastTry: secrets.useLastTry,
      },
      operator,
      true,
    )
    if (!registered.ok) return registered
    return await putOnToken(ports, found.value, certificate.value.der, secrets)
  } finally {
    wipe(secrets)
  }
}

/**
 * A person ends what is not settled: an incident (there may be a key on the token that nobody registered), or a key that is
 * there and is not wanted. Nothing is deleted on the token.
 */
export async function closeGeneration(
  ports: Pick<GenerationPorts, 'db' | 'audit' | 'now'>,
  id: RequestId,
  note: string,
  operator: string,
): Promise<Result<null, Failure>> {
  const found = await inState(ports, id, ['incident', 'made', 'awaiting-certificate'])
  if (!found.ok) return found
  const { state, spkiSha256, requestId } = found.value
  const spokenOf = requestId ?? id
  const written = await writeTransaction(ports.db, async (trx) => {
    const changed = await changeGeneration(trx, id, [state], { state: 'closed' }, ports.now().toISOString())
    if (!changed) return false
    await ports.audit.append(trx, [
      state === 'incident' || spkiSha256 === null
        ? { event: 'incident-closed', requestId: spokenOf, note, operator }
        : { event: 'key-generation-closed', requestId: spokenOf, spkiSha256, note, operator },
    ])
    return true
  })
  if (!written.ok) return written
  return written.value ? ok(null) : err(notNow)
}

/** After a start: what was under way when the station stopped is an incident, because the token may have been asked. */
export async function recoverGenerations(
  ports: Pick<GenerationPorts, 'db' | 'audit' | 'now'>,
): Promise<Result<null, Failure>> {
  for (const { id, requestId, intentSeq, state } of await listGenerations(ports.db)) {
    if (state !== 'intended') continue
    const reason = 'The station stopped while a token was asked to make a key. The key may be on the token.'
    const failure = JSON.stringify({ kind: 'unavailable', code: 'station-stopped', message: reason })
    const written = await writeTransaction(ports.db, async (trx) => {
      const at = ports.now().toISOString()
      if (!(await changeGeneration(trx, id, ['intended'], { state: 'incident', failure }, at))) return
      await ports.audit.append(trx, [
        {
          event: 'incident-opened',
          requestId: requestId ?? id,
          openIntents: [auditSeq.parse(intentSeq)],
          reason,
        },
      ])
    })
    if (!written.ok) return written
  }
  return ok(null)
}

async function inState(
  ports: Pick<GenerationPorts, 'db'>,
  id: RequestId,
  states: readonly KeyGeneration['state'][],
): Promise<Result<StoredGeneration, Failure>> {
  const generation = await findGeneration(ports.db, id)
  if (generation === null) return err(noSuchGeneration)
  return states.includes(generation.state) ? ok(generation) : err(notNow)
}

function firstSigned(plan: CertificatePlan): CertificatePart {
  switch (plan.kind) {
    case 'request':
      return 'certificate-request'
    case 'self-signed':
      return 'certificate'
    case 'openpgp':
      return plan.form === 'v6' ? 'openpgp-direct-key' : 'openpgp-certification'
  }
}

const notNow: Failure = {
  kind: 'refused',
  code: 'not-now',
  message:
    'The making of this key has moved on; this does not apply to it any more. Nothing was changed. Look at it again.',
}
const otherKey: Failure = {
  kind: 'refused',
  code: 'certificate-of-another-key',
  message:
    'The certificate is for another key than the one that was made. Nothing was registered. Bring the one that the CA made from this request.',
}
