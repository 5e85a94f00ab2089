import type { Check } from '../../shared/check.ts'
import { replacedField } from '../../shared/replaced-field.ts'
import type { SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'
import type { UploadDocumentFacts } from '../../shared/upload-facts.ts'
import { readUpload, type UploadFile } from '../debian/upload.ts'
import { type Evidence, fromEvidence, nameOfArtifact } from './evidence.ts'
import { hiddenCharacter } from './hidden-characters.ts'
import type { PolicyInput } from './policy-input.ts'

/**
 * Whether an upload is what its documents say: each file there, with the size and every digest that each list gives it. debsign asks none of
 * that and would sign it all the same.
 */
export function checkUploadWhole({ artifacts }: Pick<PolicyInput, 'artifacts'>): Check {
  const evidence = artifacts.flatMap((artifact): Evidence[] => [
    ...readUpload(artifact.files.map(uploadFileOf)).findings.map(
      ({ subject, found, outcome }): Evidence => ({ subject, found, outcome, source: 'file' }),
    ),
    ...artifact.files.flatMap((file) => remarksOn(artifact, file)),
  ])
  const files = artifacts.flatMap((artifact) => artifact.files)
  if (evidence.every((piece) => piece.outcome === 'passed')) {
    evidence.push({
      subject: 'upload',
      found: `${files.length} files, each as every list has it: size, MD5, SHA-1, SHA-256`,
      outcome: files.some(({ disposition }) => disposition === 'sign') ? 'passed' : 'refused',
      source: 'file',
    })
  }
  return fromEvidence('upload-whole', evidence, {
    passed: 'The upload is whole: every file is there and is the one that its documents list.',
    attention: 'The upload is whole; something in it has to be looked at before it is signed.',
    refused: 'The upload is not what its documents say, or they cannot be signed. debsign would not have noticed.',
    unknown: '',
    'not-applicable': '',
  })
}

/** Older or the same as what was signed last: rarely wanted, and an archive would not take it. */
export function checkUploadVersion({ artifacts }: Pick<PolicyInput, 'artifacts'>): Check {
  const evidence = artifacts.flatMap((artifact): Evidence[] => {
    if (artifact.upload === undefined) return []
    const { last } = artifact.upload
    const base = { subject: nameOfArtifact(artifact), source: 'station' } as const
    if (last === null)
      return [{ ...base, found: 'the first upload of this source that is signed here', outcome: 'passed' }]
    const before = `${last.version}, signed here on ${last.at.slice(0, 10)} for ${last.distribution}`
    const words = {
      newer: `newer than ${before}`,
      same: `the same version as ${before}`,
      older: `OLDER than ${before}`,
      unknown: `cannot be compared with ${before}`,
    }
    return [{ ...base, found: words[last.order], outcome: last.order === 'newer' ? 'passed' : 'attention' }]
  })
  return fromEvidence('upload-version', evidence, {
    passed: 'No newer upload of this source was signed here.',
    attention: 'The last upload of this source that was signed here is not older than this one.',
    refused: '',
    unknown: '',
    'not-applicable': 'This is no upload.',
  })
}

export function uploadFileOf(file: Pick<SheetFile, 'path' | 'size' | 'sha256' | 'facts'>): UploadFile {
  const { path, size, sha256, facts } = file
  return {
    path,
    size,
    sha256,
    facts:
      facts.kind === 'upload-document' || facts.kind === 'payload' || facts.kind === 'opaque'
        ? facts
        : { kind: 'opaque', reason: 'was not read as a file of an upload' },
  }
}

/** What would be signed of a document and is not on the sheet. */
function unseenOf(others: UploadDocumentFacts['others']): readonly Pick<Evidence, 'found' | 'outcome'>[] {
  if (others === undefined)
    return [
      {
        found: 'was read before this station showed every field of it: the checks have to be made again',
        outcome: 'refused',
      },
    ]
  return others
    .filter(({ cutBytes }) => cutBytes > 0)
    .map(({ name, bytes, cutBytes }) => ({
      found: `${cutBytes} of the ${bytes} bytes of its field ${name} are not shown: they are signed unseen`,
      outcome: 'attention',
    }))
}

/** Only a `.changes` is written into, and only these of its fields: what else is called `Debusine-*` is signed as it came. */
function debusineRemarks(
  { upload }: SheetArtifact,
  { document, debusineFields }: UploadDocumentFacts,
): readonly Pick<Evidence, 'found' | 'outcome'>[] {
  const isReplaced = (name: string) =>
    upload?.debusineFields != null && document === 'changes' && replacedField.test(name)
  const replaced = debusineFields.filter(isReplaced)
  const staying = debusineFields.filter((name) => !isReplaced(name))
  return [
    ...(replaced.length === 0
      ? []
      : [
          {
            found: `brings along ${replaced.join(', ')}: replaced or taken out by what this server says`,
            outcome: 'passed',
          } as const,
        ]),
    ...(staying.length === 0
      ? []
      : [
          {
            found: `brings along ${staying.join(', ')}: it stays, and this station did not write it`,
            outcome: 'attention',
          } as const,
        ]),
  ]
}

function remarksOn(artifact: SheetArtifact, file: SheetFile): readonly Evidence[] {
  if (file.facts.kind !== 'upload-document') return []
  const base = { subject: file.path, source: 'file' } as const
  const { facts } = file
  const { format, source, version, distribution, urgency, architecture, maintainer, changedBy, date, binary } = facts
  const head = [format, source, version, distribution, urgency, architecture, maintainer, changedBy, date, binary]
  const first = hiddenCharacter([
    ...head,
    ...facts.closes,
    ...facts.changes,
    // The line ends of a folded field are its own.
    ...(facts.others ?? []).map(({ value }) => value.join('').replaceAll('\n', ' ')),
    ...facts.files.flatMap(({ section, priority }) => [section, priority ?? null]),
  ])
  return [
    ...(file.disposition === 'sign' ? unseenOf(facts.others).map((remark): Evidence => ({ ...base, ...remark })) : []),
    ...(facts.signedAlready && file.disposition === 'sign'
      ? [
          {
            ...base,
            found: 'is signed already: that signature is taken off, and the text signed anew',
            outcome: 'passed',
          } as const,
        ]
      : []),
    ...debusineRemarks(artifact, facts).map((remark): Evidence => ({ ...base, ...remark })),
    ...(first === null
      ? []
      : [
          {
            ...base,
            found: `has characters that are not seen as they are, the first ${first}`,
            outcome: 'attention',
          } as const,
        ]),
  ]
}
