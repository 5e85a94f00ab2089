import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint } from '../../shared/ids.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { pemText } from '../pki/pem.ts'
import type { SoftwareKeyMaker, TokenService } from '../token/token-service.ts'
import { insertKey } from './key.repository.ts'
import { generateUefiKey, type UefiKey } from './software/generate-uefi-key.ts'
import { toNaclRecord } from './software/sealed-record.ts'

export interface SoftwareKeyPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: TokenService & SoftwareKeyMaker
  readonly now: () => Date
  /** What has to be written in the transaction that registers the key. */
  readonly also?: (trx: Transaction<Database>, print: Fingerprint) => Promise<void>
}

/** What is in the log and in the row of every key that is made here. */
const made = { purpose: 'uefi', algorithm: 'rsa-2048' } as const

/**
 * Makes a UEFI key in software and registers it, as debusine's `GenerateKey` does. The private key is born, used and sealed in the
 * token process; here are its public half, its certificate and the sealed record. Never a production key: see the contract.
 */
export async function createSoftwareKey(
  ports: SoftwareKeyPorts,
  description: string,
  operator: string,
): Promise<Result<Fingerprint, Failure>> {
  const { db, audit, tokens, now } = ports
  const serviceKey = await tokens.ensureServiceKey()
  if (!serviceKey.ok) return serviceKey
  const key = await generateUefiKey(tokens, {
    description,
    now: now(),
    signal: new AbortController().signal,
    beforeUse: async ({ spkiSha256, digest }) => {
      const signs = Buffer.from(digest).toString('hex')
      const written = await writeTransaction(db, (trx) =>
        audit.append(trx, [
          { event: 'key-generated', ...made, description, spkiSha256, digest: signs, tokenSerial: null, operator },
        ]),
      )
      return written.ok ? ok(null) : written
    },
  })
  if (!key.ok) return key
  const stored = await store(ports, { key: key.value, description, operator })
  return stored.ok ? ok(key.value.fingerprint) : stored
}

async function store(
  { db, audit, now, also }: SoftwareKeyPorts,
  { key, description, operator }: { readonly key: UefiKey; readonly description: string; readonly operator: string },
): Promise<Result<null, Failure>> {
  const at = now().toISOString()
  const { fingerprint, spkiSha256, sealed, certificateDer } = key
  const written = await writeTransaction(db, async (trx) => {
    await insertKey(trx, {
      ...made,
      fingerprint,
      private_key: JSON.stringify(toNaclRecord(sealed)),
      public_key: Buffer.from(pemText('CERTIFICATE', certificateDer), 'utf8'),
      created_at: at,
      updated_at: at,
      description,
      state: 'active',
      production: 0,
      origin: 'software',
      spki_sha256: spkiSha256,
      token_manufacturer: null,
      token_model: null,
      token_serial: null,
      cka_id: null,
    })
    await audit.append(trx, [
      {
        event: 'key-registered',
        purpose: made.purpose,
        fingerprint,
        description,
        origin: 'software',
        home: 'software',
        tokenSerial: null,
        spkiSha256,
        operator,
      },
    ])
    await also?.(trx, fingerprint)
  })
  return written.ok ? ok(null) : written
}
