import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { sha256Hex } from '../../shared/ids.ts'
import type { KeyExport } from '../../shared/key-import.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { serviceKeyFingerprint } from '../token/service-key-fingerprint.ts'
import { listKeys } from './key.repository.ts'
import { printOf, type ServiceKeyPorts } from './service-key-desk.ts'
import { toNaclRecord } from './software/sealed-record.ts'

/**
 * Writes every software key in the form of Django's `dumpdata`, which `debusine-signing loaddata` takes: sealed as it is here, so that the
 * service key that opens it has to go along by another way. The log says so before the file gets its name.
 */
export async function exportKeys(
  ports: ServiceKeyPorts,
  { folder, operator }: { readonly folder: string; readonly operator: string },
): Promise<Result<KeyExport, Failure>> {
  const keys = (await listKeys(ports.db)).flatMap((key) =>
    key.sealed === null || key.state === 'destroyed' ? [] : [{ ...key, sealed: key.sealed }],
  )
  if (keys.length === 0) return err(nothingToExport)
  const files = await ports.tokens.listServiceKeys()
  if (!files.ok) return files
  const now = ports.now().toISOString()
  const objects = keys.map(({ purpose, fingerprint, sealed, certificatePem, createdAt }) => ({
    model: 'signing.key',
    // A new row there, whatever numbers it has.
    pk: null,
    fields: {
      purpose,
      fingerprint,
      private_key: toNaclRecord(sealed),
      public_key: Buffer.from(certificatePem, 'utf8').toString('base64'),
      created_at: createdAt,
      updated_at: now,
    },
  }))
  const text = `${JSON.stringify(objects, null, 1)}\n`
  const sha256 = sha256Hex.parse(createHash('sha256').update(text).digest('hex'))
  const path = join(folder, `software-keys-${now.replaceAll(/[-:.]/g, '')}.json`)
  const written = await write(path, text, async () => {
    const noted = await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [{ event: 'keys-exported', fileSha256: sha256, keys: keys.length, operator }]),
    )
    return noted.ok ? ok(null) : noted
  })
  if (!written.ok) return written
  const prints = [...new Set(keys.map(({ sealed }) => printOf(sealed.publicKey)))]
  const serviceKeys = prints.map((fingerprint) => ({
    fingerprint,
    file:
      files.value.find(({ publicKey }) => publicKey !== null && serviceKeyFingerprint(publicKey) === fingerprint)
        ?.file ?? null,
  }))
  return ok({ path, keys: keys.length, sha256, serviceKeys })
}

/** Whole and on disk under another name first; `link` fails where the name is taken, `rename` would replace what is there. */
async function write(
  path: string,
  text: string,
  noted: () => Promise<Result<null, Failure>>,
): Promise<Result<null, Failure>> {
  const unfinished = `${path}.new`
  try {
    const handle = await open(
      unfinished,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      await handle.writeFile(text)
      await handle.sync()
      const entered = await noted()
      if (!entered.ok) return entered
      await link(unfinished, path)
      return ok(null)
    } finally {
      await handle.close()
      await rm(unfinished, { force: true })
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error))
      throw error
    return err(notWritten(error.code))
  }
}

const nothingToExport: Failure = {
  kind: 'refused',
  code: 'nothing-to-export',
  message: 'There is no software key at this station. Keys on tokens cannot be exported.',
}
function notWritten(detail: string): Failure {
  return {
    kind: 'unavailable',
    code: 'export-not-written',
    message: 'The software keys could not be written to the folder of exports. Make room there and try again.',
    detail,
  }
}
