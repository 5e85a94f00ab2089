import { createHash } from 'node:crypto'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { auditSeq } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { everything, exportLog } from '../audit/export.ts'
import { formatVerifierKey, type VerifierKey } from '../audit/format/signed-note.ts'
import { proveEntry } from '../audit/proofs.ts'
import { lastCheckpoint } from '../audit/tree.repository.ts'
import { certificatesIn } from '../keys/attestation/certificate-text.ts'
import { backupSuffix } from './acts/backup.ts'
import { isSealedAsLogged } from './as-logged.ts'
import { filesOf, type KeptFile, type StoredCeremony } from './ceremony.repository.ts'
import { readmeText } from './readme.ts'
import { readTranscript } from './transcript.ts'
import { transcriptHtml } from './transcript-html.ts'
import { type ZipEntry, zipOf } from './zip.ts'

export interface BundleParts {
  readonly db: ReadonlyKysely<Database>
  readonly ceremony: StoredCeremony
  readonly key: VerifierKey
  readonly softwareVersion: string
  readonly now: Date
}

export interface Bundle {
  readonly zip: Uint8Array
  /** Backups, which are no evidence for others: saved beside it. */
  readonly backups: readonly KeptFile[]
}

/** All that a reviewer or a CA gets, in one file that any tool opens. The log must have a checkpoint over the seal. */
export async function bundleOf({
  db,
  ceremony,
  key,
  softwareVersion,
  now,
}: BundleParts): Promise<Result<Bundle, Failure>> {
  const { summary, transcript: bytes } = ceremony
  const { transcriptSha256 } = summary
  if (bytes === null || summary.sealedSeq === null || transcriptSha256 === null) return err(notSealed)
  const transcript = readTranscript(bytes)
  if (transcript === null || digestOf(bytes) !== transcriptSha256) return err(notAsSealed)
  const kept = await filesOf(db, summary.id)
  if (!(await isSealedAsLogged(db, ceremony, transcript, kept))) return err(notAsSealed)
  const proof = await proveEntry(db, key, auditSeq.parse(summary.sealedSeq))
  if (!proof.ok) return proof
  const chunks: Uint8Array[] = []
  const write = async (chunk: Uint8Array) => void chunks.push(chunk)
  const exported = await exportLog({ db, key, selection: everything, softwareVersion, now, write })
  if (!exported.ok) return exported
  const checkpoint = (await lastCheckpoint(db))?.note ?? ''
  const evidence = kept.filter(({ name }) => !name.endsWith(backupSuffix))

  const entries: ZipEntry[] = [
    { name: 'transcript.json', content: bytes },
    { name: 'transcript.html', content: Buffer.from(transcriptHtml(transcript, transcriptSha256)) },
    { name: 'script.json', content: ceremony.script },
    ...evidence.map(({ name, content }) => ({ name: `evidence/${name}`, content })),
    ...chains(evidence),
    { name: 'log/log.jsonl', content: Buffer.concat(chunks) },
    { name: 'log/log.vkey', content: Buffer.from(`${formatVerifierKey(key)}\n`) },
    { name: 'log/checkpoint.txt', content: Buffer.from(checkpoint) },
    { name: 'log/transcript.tlog-proof', content: Buffer.from(proof.value) },
  ]
  const readme = Buffer.from(
    readmeText({
      transcript,
      vkey: formatVerifierKey(key),
      sealedSeq: summary.sealedSeq,
      names: entries.map(({ name }) => name),
    }),
  )
  const listed = [{ name: 'README.txt', content: readme }, ...entries]
  const sums = listed.map(({ name, content }) => `${digestOf(content)}  ${name}\n`).join('')
  return ok({
    zip: zipOf([...listed, { name: 'SHA256SUMS', content: Buffer.from(sums) }]),
    backups: kept.filter(({ name }) => name.endsWith(backupSuffix)),
  })
}

/** What is between a statement and its root, in one file, as `openssl verify -untrusted` takes it. */
function chains(files: readonly KeptFile[]): ZipEntry[] {
  const keys = new Set(files.flatMap(({ name }) => /^(.*)-attestation-\d+-issuer\.pem$/.exec(name)?.[1] ?? []))
  return [...keys].map((key) => {
    const issuers = files.filter(({ name }) => name.startsWith(`${key}-attestation-`) && name.endsWith('-issuer.pem'))
    const pem = issuers.map(({ content }) => Buffer.from(content).toString()).join('')
    if (certificatesIn(pem) === null) throw new Error(`the issuers of ${key} are no certificates`)
    return { name: `evidence/${key}-attestation-issuers.pem`, content: Buffer.from(pem) }
  })
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const notSealed: Failure = {
  kind: 'refused',
  code: 'ceremony-open',
  message: 'The ceremony is still open, so there is nothing that could be handed out. Finish or abandon it first.',
}
const notAsSealed: Failure = {
  kind: 'invalid',
  code: 'transcript-changed',
  message:
    'The transcript or a file of the evidence is not what the audit log sealed: the database was changed. Nothing was written. Keep a copy of it and find out who had access.',
}
