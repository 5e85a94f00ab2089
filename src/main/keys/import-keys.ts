import { createHash, randomBytes } from 'node:crypto'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { ImportReport } from '../../shared/key-import.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { ReencryptionProgress } from '../../shared/service-key.ts'
import { step } from '../app/steps.ts'
import { signatureScheme } from '../signing/signature-scheme.ts'
import type { TokenService } from '../token/token-service.ts'
import { type Candidate, judgeDump } from './import-preview.ts'
import { insertKey, listKeys, markImported } from './key.repository.ts'
import { noteServiceKeys, type ServiceKeyPorts } from './service-key-desk.ts'
import { toNaclRecord } from './software/sealed-record.ts'

export type ImportPorts = ServiceKeyPorts & { readonly tokens: Pick<TokenService, 'openSession'> }

export interface Import {
  readonly path: string
  /** Of the dump that was looked at. */
  readonly dumpSha256: string
  readonly operator: string
  readonly onProgress: (progress: ReencryptionProgress) => void
  /** Aborted: stops between two keys. */
  readonly signal: AbortSignal
}

/**
 * Takes the keys of a dump that the preview would take. Each proves possession by a signature over a challenge of this moment, then it
 * and the mark that it was imported are stored in one commit with their entry. What was taken stays taken; begun again, the rest is taken.
 */
export async function importKeys(
  ports: ImportPorts,
  { path, dumpSha256, operator, onProgress, signal }: Import,
): Promise<Result<ImportReport, Failure>> {
  const judged = await judgeDump(ports, path, signal)
  if (!judged.ok) return judged
  const { preview, candidates } = judged.value
  if (preview.dumpSha256 !== dumpSha256) return err(otherDump)
  if (candidates.length === 0) return err(nothingToTake)
  const noted = await noteServiceKeys(ports, operator)
  if (!noted.ok) return noted
  const left = preview.rows.length - candidates.length
  const { format } = preview
  const begun = await writeTransaction(ports.db, (trx) =>
    ports.audit.append(trx, [
      {
        event: 'key-import-begun',
        dumpSha256: preview.dumpSha256,
        format,
        taking: candidates.length,
        leaving: left,
        operator,
      },
    ]),
  )
  if (!begun.ok) return begun
  const failed: { name: string; failure: Failure }[] = []
  let done = 0
  for (const candidate of candidates) {
    if (signal.aborted) break
    onProgress({ done, total: candidates.length })
    const taken = await take(ports, { candidate, operator, dumpSha256: preview.dumpSha256 })
    if (!taken.ok && taken.error.code === 'log-unwritable') return taken
    if (!taken.ok) failed.push({ name: candidate.description, failure: taken.error })
    done += 1
  }
  onProgress({ done, total: candidates.length })
  return ok({ taken: done - failed.length, left, failed, stopped: done < candidates.length })
}

interface Taking {
  readonly candidate: Candidate
  readonly operator: string
  readonly dumpSha256: string
}

async function take(ports: ImportPorts, taking: Taking): Promise<Result<null, Failure>> {
  step('key-import', 'before')
  const proven = await provePossession(ports, taking)
  if (!proven.ok) return proven
  step('key-import', 'after')
  return store(ports, taking)
}

/** The challenge begins with words that no signed format begins with, so that its signature is good for nothing else. */
function challengeFor({ fingerprint }: Candidate): Uint8Array {
  const text = `Signing Station: proof of possession of ${fingerprint} in software\n`
  return createHash('sha256').update(text).update(randomBytes(32)).digest()
}

async function provePossession(
  { db, audit, tokens }: ImportPorts,
  { candidate, operator }: Taking,
): Promise<Result<null, Failure>> {
  const { algorithm, fingerprint, sealed, spkiSha256 } = candidate
  const scheme = signatureScheme(algorithm)
  // The preview leaves such keys.
  if (scheme === null) throw new Error(`a candidate of the kind ${algorithm}`)
  const session = await tokens.openSession({ home: { kind: 'software' }, algorithm, spkiSha256, sealed }, null, {
    useLastTry: false,
    signal: new AbortController().signal,
    onSignal: () => {},
  })
  if (!session.ok) return session
  try {
    const digest = challengeFor(candidate)
    const challenge = Buffer.from(digest).toString('hex')
    // Invariant I1 holds for this use of the key as well.
    const intent = await writeTransaction(db, (trx) =>
      audit.append(trx, [
        {
          event: 'possession-challenged',
          purpose: 'uefi',
          fingerprint,
          digest: challenge,
          tokenSerial: null,
          operator,
        },
      ]),
    )
    if (!intent.ok) return intent
    // The session verifies it with the public key of the certificate.
    const signature = await session.value.sign({ scheme, digest })
    return signature.ok ? ok(null) : signature
  } finally {
    await session.value.close()
  }
}

async function store(
  { db, audit, now }: ImportPorts,
  { candidate, operator, dumpSha256 }: Taking,
): Promise<Result<null, Failure>> {
  const at = now().toISOString()
  const { fingerprint, description, algorithm, spkiSha256 } = candidate
  const key = { purpose: 'uefi', fingerprint } as const
  // Looked at again: keys may have come since the dump was read.
  if ((await listKeys(db)).some((other) => other.fingerprint === fingerprint)) return err(known)
  const written = await writeTransaction(db, async (trx) => {
    await insertKey(trx, {
      ...key,
      private_key: JSON.stringify(toNaclRecord(candidate.sealed)),
      public_key: Buffer.from(candidate.certificatePem, 'utf8'),
      created_at: at,
      updated_at: at,
      description,
      state: 'active',
      production: 0,
      origin: 'software',
      algorithm,
      spki_sha256: spkiSha256,
      token_manufacturer: null,
      token_model: null,
      token_serial: null,
      cka_id: null,
    })
    await markImported(trx, key, { dumpSha256, at, madeAt: candidate.madeAt })
    const registered = {
      ...key,
      description,
      origin: 'imported',
      home: 'software',
      tokenSerial: null,
      spkiSha256,
    } as const
    await audit.append(trx, [{ event: 'key-registered', ...registered, operator }])
  })
  return written.ok ? ok(null) : written
}

const otherDump: Failure = {
  kind: 'refused',
  code: 'dump-changed',
  message: 'The dump is not the one that was looked at. Nothing was taken. Look at it again.',
}
const nothingToTake: Failure = {
  kind: 'refused',
  code: 'nothing-to-take',
  message: 'Nothing of this dump can be taken. Nothing was changed. The preview says why for each key.',
}
const known: Failure = {
  kind: 'refused',
  code: 'key-known',
  message: 'A key with this certificate is registered here already. It was left alone.',
}
