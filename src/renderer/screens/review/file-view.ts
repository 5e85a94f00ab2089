import type { EmbeddedCertificate, ExistingSignature, PeFacts, SbatRow } from '../../../shared/input-facts.ts'
import type { FurtherKey, SheetFile } from '../../../shared/review-sheet.ts'
import { digest, type Fact, name, text } from '../../parts/fact.ts'
import { byteSize, count, shortSize } from '../../parts/format.ts'
import { roleWords } from '../../parts/wording.ts'
import { type SignedBeforeView, signedBeforeView } from './signed-before-view.ts'
import { textFactsOf, textFlagsOf } from './text-view.ts'
import { documentRow } from './upload-view.ts'

export type FileFlag = { readonly tone: 'attention' | 'refused' | 'neutral'; readonly text: string }

export type CertificateView = {
  readonly where: string
  readonly subject: string
  readonly issuer: string
  readonly sha256: string
  readonly validity: string
  readonly note: string
}

export type SignatureView = {
  readonly signer: string
  readonly digest: string
  readonly matches: boolean
  readonly sentence: string
}

export type SectionView = {
  readonly name: string
  readonly size: string
  readonly offset: string
  readonly sha256: string | null
}

/** One file of the sheet: the line that stands for it, and everything below the line. */
export type FileView = {
  readonly ordinal: number
  readonly path: string
  /** The path's last part, which tells files apart, and what stands before it. */
  readonly name: string
  readonly folder: string
  readonly what: string
  readonly version: string | null
  readonly size: string
  readonly toBeSignedHex: string | null
  readonly flags: readonly FileFlag[]
  readonly facts: readonly Fact[]
  readonly faults: readonly { readonly code: string; readonly message: string }[]
  readonly blind: string | null
  /** Sentences about what is in the file and not on the sheet. */
  readonly incomplete: readonly string[]
  readonly skipped: boolean
  readonly sbat: readonly SbatRow[] | null
  readonly sbatProblem: string | null
  readonly sections: readonly SectionView[]
  readonly texts: readonly { readonly section: string; readonly text: string; readonly cut: boolean }[]
  readonly vendorCertificates: readonly CertificateView[]
  readonly embeddedCertificates: readonly CertificateView[]
  readonly signatures: readonly SignatureView[]
  /** Null: not before. */
  readonly signedBefore: SignedBeforeView | null
}

const beforeFlag: FileFlag = { tone: 'attention', text: 'Signed before' }

const computed = { source: 'station', assurance: 'verified' } as const
const fileSays = { source: 'file', assurance: 'claimed' } as const

/**
 * What the station computed is verified; what the file says about itself is the file's claim, though its bytes are the ones signed.
 * `furtherKeys`: those that sign it after the sheet's first one.
 */
export function fileView(file: SheetFile, furtherKeys: readonly FurtherKey[] = []): FileView {
  const signedBefore = signedBeforeView(file, furtherKeys)
  const pe = file.facts.kind === 'pe' ? file.facts : null
  const words = file.facts.kind === 'text' ? file.facts : null
  const document = documentRow(file)
  return {
    ordinal: file.ordinal,
    path: file.path,
    name: file.path.slice(file.path.lastIndexOf('/') + 1),
    folder: file.path.slice(0, file.path.lastIndexOf('/') + 1),
    what: document?.what ?? (words !== null ? 'Text' : pe === null ? 'Not explained' : roleWords(pe.role)),
    version: document?.version ?? (pe === null ? null : shownVersion(pe)),
    size: shortSize(file.size),
    toBeSignedHex: file.toBeSigned?.digest ?? null,
    flags: [...(document?.flags ?? []), ...flagsOf(file, pe), ...(signedBefore === null ? [] : [beforeFlag])],
    facts: [
      ...ownFacts(file),
      ...(document?.facts ?? []),
      ...(words !== null ? textFactsOf(words) : pe === null ? opaqueFactsOf(file) : peFactsOf(pe)),
    ],
    faults: document?.faults ?? words?.faults ?? pe?.layoutFaults ?? [],
    blind: file.facts.kind === 'opaque' ? file.facts.reason : null,
    incomplete:
      words?.cut === true ? ['Only the beginning of the text is shown; the whole is signed.'] : (pe?.incomplete ?? []),
    skipped: file.disposition === 'skip',
    sbat: pe?.sbat ?? null,
    sbatProblem: pe?.sbatProblem ?? null,
    sections: (pe?.sections ?? []).map((section) => ({
      name: section.name,
      size: byteSize(section.rawSize),
      offset: `0x${section.offset.toString(16)}`,
      sha256: section.sha256,
    })),
    texts: words === null ? (pe?.texts ?? []) : [{ section: 'Text', text: words.text.join(''), cut: words.cut }],
    vendorCertificates: (pe?.vendorCertificates ?? []).map(certificateView),
    embeddedCertificates: (pe?.embeddedCertificates ?? []).map(certificateView),
    signatures: (pe?.existingSignatures ?? []).map(signatureView),
    signedBefore,
  }
}

function shownVersion(pe: PeFacts): string | null {
  if (pe.kernelVersion !== null) return pe.kernelVersion
  // The first row of .sbat is always the SBAT format itself; the second is the program (shim SBAT.md).
  return pe.sbat?.find((row) => row.component !== 'sbat')?.version ?? null
}

function ownFacts(file: SheetFile): readonly Fact[] {
  const signs: Fact =
    file.toBeSigned === null
      ? {
          id: 'to-be-signed',
          label: 'Will be signed',
          value: text(
            file.disposition === 'skip'
              ? 'Nothing: this file is skipped, and reported so'
              : file.disposition === 'keep'
                ? 'Nothing of its own: what is signed holds its digests'
                : 'Nothing: no signature can be made for this file',
          ),
          ...computed,
        }
      : {
          id: 'to-be-signed',
          label: `Will be signed: ${file.toBeSigned.what}`,
          value: digest(file.toBeSigned.digest),
          ...computed,
        }
  return [
    signs,
    { id: 'sha256', label: 'SHA-256 of the file', value: digest(file.sha256), ...computed },
    { id: 'size', label: 'Size', value: text(byteSize(file.size)), ...computed },
  ]
}

function peFactsOf(pe: PeFacts): readonly Fact[] {
  const facts: Fact[] = [
    {
      id: 'role',
      label: 'Looks like',
      value: text(`${roleWords(pe.role)}, ${pe.machine}, ${pe.subsystem}`),
      ...fileSays,
    },
  ]
  if (pe.kernelVersion !== null)
    facts.push({ id: 'kernel-version', label: 'Kernel version', value: name(pe.kernelVersion), ...fileSays })
  if (pe.innerKernelSha256 !== null) {
    facts.push({
      id: 'inner-kernel',
      label: 'Kernel inside: Authenticode SHA-256',
      value: digest(pe.innerKernelSha256),
      ...computed,
    })
  }
  if (pe.vendorDbxBytes !== null) {
    const dbx = pe.vendorDbxBytes === 0 ? 'empty' : byteSize(pe.vendorDbxBytes)
    facts.push({ id: 'vendor-dbx', label: 'Vendor deny list', value: text(dbx), ...fileSays })
  }
  return facts
}

function opaqueFactsOf(file: SheetFile): readonly Fact[] {
  return file.facts.kind === 'opaque'
    ? [{ id: 'first-bytes', label: 'First bytes', value: digest(file.facts.firstBytesHex), ...computed }]
    : []
}

function flagsOf(file: SheetFile, pe: PeFacts | null): readonly FileFlag[] {
  const flags: FileFlag[] = []
  if (file.disposition === 'skip') flags.push({ tone: 'neutral', text: 'Skipped' })
  if (file.facts.kind === 'text') flags.push(...textFlagsOf(file.facts))
  if (file.facts.kind === 'opaque') flags.push({ tone: 'attention', text: 'Blind' })
  if (pe !== null && pe.layoutFaults.length > 0)
    flags.push({ tone: 'refused', text: count(pe.layoutFaults.length, 'layout fault') })
  if (pe !== null && pe.incomplete.length > 0) flags.push({ tone: 'attention', text: 'Not all shown' })
  if (pe !== null && pe.sbatProblem !== null) flags.push({ tone: 'attention', text: 'SBAT' })
  if (pe !== null && pe.existingSignatures.some((signature) => !signature.matchesFile))
    flags.push({ tone: 'refused', text: 'Bad signature inside' })
  else if (pe !== null && pe.existingSignatures.length > 0) flags.push({ tone: 'neutral', text: 'Has a signature' })
  if (pe !== null && pe.vendorCertificates.length + pe.embeddedCertificates.length > 0) {
    flags.push({
      tone: 'neutral',
      text: count(pe.vendorCertificates.length + pe.embeddedCertificates.length, 'certificate'),
    })
  }
  return flags
}

function certificateView({ where, offset, certificate }: EmbeddedCertificate): CertificateView {
  const notes = [
    certificate.isCa ? 'certificate authority' : 'end entity',
    certificate.selfSigned ? 'self-signed' : null,
  ]
  return {
    where: `${where}, offset 0x${offset.toString(16)}`,
    subject: certificate.subject,
    issuer: certificate.issuer,
    sha256: certificate.sha256,
    validity: `${certificate.notBefore.slice(0, 10)} to ${certificate.notAfter.slice(0, 10)}`,
    note: notes.filter((note) => note !== null).join(', '),
  }
}

function signatureView(signature: ExistingSignature): SignatureView {
  return {
    signer: signature.signer?.subject ?? signature.issuerName,
    digest: signature.digest,
    matches: signature.matchesFile,
    sentence: signature.matchesFile
      ? `Covers this file (${signature.digestAlgorithm}). Who made it was not checked.`
      : `Does not cover this file: it was made for other bytes (${signature.digestAlgorithm}).`,
  }
}
