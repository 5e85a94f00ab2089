import { createHash } from 'node:crypto'
import type { Failure } from '../../shared/failure.ts'
import { type Fingerprint, fingerprint, type Sha256Hex } from '../../shared/ids.ts'
import type { ImportPreview, ImportRow } from '../../shared/key-import.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { KeyAlgorithm } from '../../shared/token.ts'
import { visible } from '../audit/summary.ts'
import { readCertificate } from '../pki/x509.ts'
import { signatureScheme } from '../signing/signature-scheme.ts'
import type { Resealer, SealedRecord } from '../token/token-service.ts'
import { type Dump, readDump } from './dump-file.ts'
import type { DumpRow } from './dump-row.ts'
import { listKeys } from './key.repository.ts'
import { readPkcs11Uri } from './read-pkcs11-uri.ts'
import { printOf, type ServiceKeyPorts } from './service-key-desk.ts'

/** A key of the dump that can be taken: sealed here, of the certificate's key. */
export interface Candidate {
  readonly fingerprint: Fingerprint
  readonly description: string
  readonly sealed: SealedRecord
  readonly certificatePem: string
  readonly certificateDer: Uint8Array
  readonly algorithm: KeyAlgorithm
  readonly spkiSha256: Sha256Hex
  /** As the dump says it; ISO 8601, or null. */
  readonly madeAt: string | null
}

export interface Judged {
  readonly preview: ImportPreview
  readonly candidates: readonly Candidate[]
}

/**
 * Reads a dump and says of each key whether it would be taken, and why not. Each sealed record is opened in the token process and compared
 * with its certificate; nothing is signed, and nothing written.
 */
export async function judgeDump(
  ports: ServiceKeyPorts,
  path: string,
  signal: AbortSignal,
): Promise<Result<Judged, Failure>> {
  const dump = await readDump(path, signal)
  if (!dump.ok) return dump
  const here = new Set((await listKeys(ports.db)).map((key) => String(key.fingerprint)))
  const resealer = ports.tokens.openResealer()
  try {
    const rows: ImportRow[] = []
    const candidates: Candidate[] = []
    const twins = twinsOf(dump.value)
    for (const row of dump.value.rows) {
      const judged = await judge(row, { here, twins, resealer })
      rows.push(judged.row)
      if (judged.candidate !== null) candidates.push(judged.candidate)
    }
    const { format, sha256: dumpSha256 } = dump.value
    return ok({ preview: { format, dumpSha256, rows, taking: candidates.length }, candidates })
  } finally {
    resealer.close()
  }
}

interface Case {
  readonly here: ReadonlySet<string>
  readonly twins: ReadonlyMap<string, Twins>
  readonly resealer: Resealer
}

/** Rows of one purpose and fingerprint, which debusine's table holds once. */
interface Twins {
  readonly first: number
  readonly alike: boolean
}

function twinsOf({ rows }: Dump): ReadonlyMap<string, Twins> {
  const seen = new Map<string, Twins & { readonly content: string }>()
  for (const row of rows) {
    if ('problem' in row) continue
    const content = createHash('sha256').update(JSON.stringify(row.record)).update(row.publicKey).digest('hex')
    const before = seen.get(nameOf(row))
    const alike = before === undefined || (before.alike && before.content === content)
    seen.set(nameOf(row), { first: before?.first ?? row.place, alike, content })
  }
  return seen
}

function nameOf(row: { readonly purpose: string; readonly fingerprint: string }): string {
  return JSON.stringify([row.purpose, row.fingerprint])
}

type Verdict = { readonly row: ImportRow; readonly candidate: Candidate | null }

async function judge(row: DumpRow, { here, twins, resealer }: Case): Promise<Verdict> {
  const about: Omit<ImportRow, 'verdict' | 'code' | 'why'> = {
    place: row.place,
    purpose: null,
    fingerprint: null,
    name: null,
    serviceKey: null,
  }
  if ('problem' in row) return left(about, 'malformed', row.problem)
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(row.purpose)) return left(about, 'malformed', 'Its purpose is no word.')
  const print = fingerprint.safeParse(row.fingerprint)
  if (!print.success) return left({ ...about, purpose: row.purpose }, 'malformed', 'Its fingerprint is none.')
  const known = { ...about, purpose: row.purpose, fingerprint: print.data }
  const same = twins.get(nameOf(row))
  if (same?.alike === false)
    return left(known, 'contradicting', 'The dump has several rows for this key that are not alike; none is taken.')
  if (same !== undefined && same.first !== row.place) return left(known, 'duplicate', `The same row as ${same.first}.`)
  if (row.record.storage === 'pkcs11-static')
    return left(
      known,
      'on-token',
      `Its private half is on a token (${tokenWords(row.record.uri)}). Plug the token in and register the key here.${doubts(row.record.uri)}`,
    )
  if (row.record.storage === 'other')
    return left(
      known,
      'storage-unknown',
      `Its private half is kept in a way that is not known here: ${row.record.word}.`,
    )
  if (row.record.storage === 'malformed') return left(known, 'malformed', 'Its private key is no record of debusine.')
  const { sealed } = row.record
  const withKey = { ...known, serviceKey: printOf(sealed.publicKey) }
  if (row.purpose !== 'uefi')
    return left(withKey, 'purpose-not-served', `This station does not sign for ${row.purpose}.`)
  if (here.has(print.data))
    return {
      row: { ...withKey, verdict: 'have', code: 'key-known', why: 'It is registered here already.' },
      candidate: null,
    }
  return judgeSealed({ row, print: print.data, sealed, about: withKey }, resealer)
}

async function judgeSealed(
  {
    row,
    print,
    sealed,
    about,
  }: {
    readonly row: Extract<DumpRow, { purpose: string }>
    readonly print: Fingerprint
    readonly sealed: SealedRecord
    readonly about: Omit<ImportRow, 'verdict' | 'code' | 'why'>
  },
  resealer: Resealer,
): Promise<Verdict> {
  const certificatePem = row.publicKey.toString('latin1')
  // What is no text has no business on a screen or in an export.
  if (/[^\t\n\r\x20-\x7e]/.test(certificatePem) || row.publicKey.length > 32 * 1024)
    return left(about, 'certificate-unreadable', 'Its public key is no PEM certificate.')
  const read = readCertificate(certificatePem)
  if (!read.ok) return left(about, 'certificate-unreadable', 'Its certificate cannot be read.')
  const { facts, der, spkiSha256 } = read.value
  const named = { ...about, name: visible(facts.subject).slice(0, 200) }
  if (createHash('sha256').update(der).digest('hex').toUpperCase() !== print)
    return left(named, 'fingerprint-wrong', 'Its certificate has another fingerprint than the row says.')
  if (signatureScheme(facts.algorithm) === null)
    return left(named, 'algorithm-unsupported', 'Keys of this kind do not sign here.')
  const opened = await resealer.check(sealed, { kind: 'private-key', spkiSha256 })
  if (!opened.ok) return left(named, opened.error.code, sealedWords(opened.error))
  return {
    row: { ...named, verdict: 'take', code: 'takeable', why: 'It opens, and is the key of its certificate.' },
    candidate: {
      fingerprint: print,
      description: descriptionOf(facts.subject, print),
      sealed,
      certificatePem,
      certificateDer: der,
      algorithm: facts.algorithm,
      spkiSha256,
      madeAt: timeOf(row.createdAt),
    },
  }
}

function sealedWords({ code, message }: Failure): string {
  switch (code) {
    case 'key-mismatch':
      return 'The sealed private key is not the one of its certificate.'
    case 'sealed-damaged':
      return 'Its sealed record was changed: it does not open with the service key that it names.'
    default:
      return message
  }
}

function left(about: Omit<ImportRow, 'verdict' | 'code' | 'why'>, code: string, why: string): Verdict {
  return { row: { ...about, verdict: 'leave', code, why }, candidate: null }
}

/** The common name, as a description that the log takes. */
function descriptionOf(subject: string, print: Fingerprint): string {
  const name = /(?:^|, ?)CN=((?:[^,\\]|\\.)+)/.exec(subject)?.[1] ?? subject
  const text = visible(name).trim().slice(0, 200)
  return text === '' || !text.isWellFormed() ? `Imported key ${print.slice(0, 16)}` : text
}

/** What names the token in a URI of RFC 7512, and nothing else of it: debusine's have the PIN in them. */
function tokenWords(uri: string): string {
  const { warnings: _, ckaId, ...named } = readPkcs11Uri(uri) ?? { warnings: [], ckaId: null }
  const words = [...Object.entries(named), ['id', ckaId] as const].flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${visible(value).slice(0, 64)}`],
  )
  return words.length === 0 ? 'not named' : words.join(', ')
}

/** What is doubtful about the URI, each a sentence after a blank. */
function doubts(uri: string): string {
  return (readPkcs11Uri(uri)?.warnings ?? []).map((warning) => ` ${warning}`).join('')
}

/** Django's and PostgreSQL's forms of a time; null for anything else, and for what is no time of this millennium. */
function timeOf(text: string | null): string | null {
  const parts = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(Z|[+-]\d{2}(?::?\d{2})?)$/.exec(text ?? '')
  if (parts === null) return null
  const [, day = '', clock = '', zone = ''] = parts
  const time = new Date(`${day}T${clock}${/^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone}`)
  return Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999 ? null : time.toISOString()
}
