import type { ListedDigests, ListedFile, PayloadFacts, UploadDocumentFacts } from '../../shared/upload-facts.ts'
import { documentKindOf } from './upload-document.ts'

/** A file of an upload as it is here: its name, what was fetched, and what was read of it. */
export interface UploadFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
  readonly facts: UploadDocumentFacts | PayloadFacts | { readonly kind: 'opaque'; readonly reason: string }
}

export interface UploadFinding {
  /** Name of the file. */
  readonly subject: string
  readonly found: string
  readonly outcome: 'passed' | 'attention' | 'refused'
}

/** The three documents in the order in which they are signed, and what was found of the whole. */
export interface UploadReading {
  readonly dsc: string | null
  readonly buildinfo: string | null
  readonly changes: string | null
  readonly findings: readonly UploadFinding[]
}

/**
 * Reads an upload as one: which documents are signed, and whether each says of the others what they are. debsign would sign an upload
 * whose files have changed since they were listed; here every file is compared with every list, in each of its digests.
 */
export function readUpload(files: readonly UploadFile[]): UploadReading {
  const named = files.filter(({ path }) => documentKindOf(path) === 'changes')
  const [changes] = named
  const nothing = { dsc: null, buildinfo: null, changes: null }
  if (changes === undefined)
    return { ...nothing, findings: [refused('upload', 'has no .changes: it does not say what it is')] }
  if (named.length > 1)
    return {
      ...nothing,
      findings: named.slice(1).map(({ path }) => refused(path, 'is a second .changes: an upload has one')),
    }
  const path = files.find((file) => file.path.includes('/'))
  if (path !== undefined)
    return {
      ...nothing,
      findings: [refused(path.path, 'is in a folder: the files of an upload lie beside each other')],
    }
  const findings: UploadFinding[] = files.flatMap(faultsOf)
  if (changes.facts.kind !== 'upload-document') return { ...nothing, changes: changes.path, findings }

  const listed = changes.facts.files
  const first = (kind: 'dsc' | 'buildinfo') => listed.filter(({ name }) => documentKindOf(name) === kind)
  const [dsc, ...moreDsc] = first('dsc')
  const [buildinfo, ...moreBuildinfo] = first('buildinfo')
  findings.push(
    ...moreDsc.map(({ name }) =>
      refused(name, 'is a second .dsc: an upload has one source, and debsign signs only one'),
    ),
    ...moreBuildinfo.map(({ name }) => ({
      subject: name,
      found: 'is a further .buildinfo: it is not signed, as debsign signs only the first',
      outcome: 'attention' as const,
    })),
    ...compare(changes.path, listed, files, 'wanted'),
    ...files
      .filter((file) => file !== changes && !listed.some(({ name }) => name === file.path))
      .map((file) => refused(file.path, `is not listed in ${changes.path}`)),
  )
  for (const child of [dsc, buildinfo, ...moreBuildinfo]) {
    const file = files.find((each) => each.path === child?.name)
    if (file?.facts.kind !== 'upload-document') continue
    findings.push(
      ...compare(file.path, file.facts.files, files, 'optional'),
      ...sameSource(file.path, file.facts, changes.facts),
    )
  }
  const order = [dsc?.name, buildinfo?.name, changes.path]
  findings.push(
    ...order.flatMap((name, index) => {
      const facts = files.find(({ path }) => path === name)?.facts
      const later = order.slice(index + 1)
      const stale = facts?.kind === 'upload-document' ? facts.files.find((listed) => later.includes(listed.name)) : null
      return name === undefined || stale == null
        ? []
        : [refused(name, `lists ${stale.name}, which is signed after it and is another file then`)]
    }),
  )
  return { dsc: dsc?.name ?? null, buildinfo: buildinfo?.name ?? null, changes: changes.path, findings }
}

function faultsOf(file: UploadFile): readonly UploadFinding[] {
  switch (file.facts.kind) {
    case 'upload-document':
      if (file.facts.digests.sha256 !== file.sha256)
        return [refused(file.path, 'was read as other bytes than were fetched')]
      return file.facts.faults.map(({ message }) => refused(file.path, message))
    case 'payload':
      return file.facts.digests.sha256 === file.sha256
        ? []
        : [refused(file.path, 'was read as other bytes than were fetched')]
    case 'opaque':
      return [refused(file.path, file.facts.reason)]
  }
}

/** `wanted`: every file that is listed has to be here. `optional`: a list may name files that the upload leaves out. */
function compare(
  document: string,
  listed: readonly ListedFile[],
  files: readonly UploadFile[],
  presence: 'wanted' | 'optional',
): readonly UploadFinding[] {
  return listed.flatMap((entry): UploadFinding[] => {
    const file = files.find(({ path }) => path === entry.name)
    if (file === undefined) {
      return presence === 'wanted' ? [refused(entry.name, `is listed in ${document}, and is not there`)] : []
    }
    if (file.size !== entry.size) return [refused(entry.name, `has ${file.size} bytes; ${document} says ${entry.size}`)]
    const digests = digestsOf(file)
    if (digests === null) return [refused(entry.name, 'could not be read, so its digests are not known')]
    const wrong = (['md5', 'sha1', 'sha256'] as const).filter(
      (name) => entry[name] !== null && entry[name] !== digests[name],
    )
    return wrong.length === 0
      ? []
      : [refused(entry.name, `is not what ${document} lists: ${wrong.map((name) => spelled[name]).join(', ')} differ`)]
  })
}

const spelled = { md5: 'MD5', sha1: 'SHA-1', sha256: 'SHA-256' } as const

function digestsOf(file: UploadFile): ListedDigests | null {
  return file.facts.kind === 'opaque' ? null : file.facts.digests
}

/** A source package and its changes speak of the same source; a binary rebuild names the source's version behind its name. */
function sameSource(
  name: string,
  document: UploadDocumentFacts,
  changes: UploadDocumentFacts,
): readonly UploadFinding[] {
  const source = (facts: UploadDocumentFacts) => facts.source?.split(' ')[0] ?? null
  const differs = [
    ...(source(document) === source(changes) ? [] : ['source package']),
    ...(document.version === changes.version ? [] : ['version']),
  ]
  return differs.length === 0
    ? []
    : [
        refused(
          name,
          `is of another ${differs.join(' and ')} than the .changes: ${document.source ?? '?'} ${document.version ?? '?'}`,
        ),
      ]
}

function refused(subject: string, found: string): UploadFinding {
  return { subject, found, outcome: 'refused' }
}

/** A binary package of an upload, by the name that dpkg gave its file: package, version without epoch, architecture. */
export function binaryOf(
  name: string,
): { readonly package: string; readonly architecture: string; readonly kind: string } | null {
  const [, packageName, architecture, kind] =
    /^([a-z0-9][a-z0-9.+-]*)_[^_]+_([a-z0-9-]+)\.(deb|udeb|ddeb)$/.exec(name) ?? []
  return packageName === undefined || architecture === undefined || kind === undefined
    ? null
    : { package: packageName, architecture, kind }
}
