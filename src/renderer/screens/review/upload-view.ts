import type { ReleaseFacts } from '../../../shared/release-facts.ts'
import type { SheetArtifact, SheetFile } from '../../../shared/review-sheet.ts'
import type { UploadDocumentFacts } from '../../../shared/upload-facts.ts'
import { type Fact, name, text } from '../../parts/fact.ts'
import { byteSize, count, utc } from '../../parts/format.ts'
import { type DocumentView, documentsOf, documentWords } from './document-view.ts'
import type { FileFlag } from './file-view.ts'

const computed = { source: 'station', assurance: 'verified' } as const
const fileSays = { source: 'file', assurance: 'claimed' } as const

/** One thing that is new, gone or other than in what was signed last. */
export type ChangeRow = {
  readonly how: 'added' | 'removed' | 'changed'
  readonly name: string
  readonly detail: string
}

/** An upload as one: what the .changes says, every package, and what is other than in the last one. */
export type UploadView = {
  readonly kind: 'upload'
  readonly facts: readonly Fact[]
  readonly packages: readonly {
    readonly name: string
    readonly architecture: string
    readonly kind: string
    readonly size: string
  }[]
  /** The text of `Changes`, lines as they stand. */
  readonly changes: string | null
  /** The documents that are signed, with what has no place above. */
  readonly documents: readonly DocumentView[]
  readonly since: string
  readonly rows: readonly ChangeRow[]
}

export type IndexView = {
  readonly kind: 'index'
  readonly facts: readonly Fact[]
  readonly since: string
  /** How many changed indexes are not among the rows. */
  readonly more: number
  readonly rows: readonly ChangeRow[]
}

/** Null: an artifact of a Sign task. */
export function taskView(artifact: SheetArtifact): UploadView | IndexView | null {
  if (artifact.upload !== undefined) return uploadView(artifact, artifact.upload)
  if (artifact.repositoryIndex !== undefined) return indexView(artifact, artifact.repositoryIndex)
  return null
}

function uploadView(artifact: SheetArtifact, upload: NonNullable<SheetArtifact['upload']>): UploadView {
  const file = artifact.files.find(({ path }) => path === upload.changes)
  const facts = file?.facts.kind === 'upload-document' ? file.facts : null
  const { last, debusineFields } = upload
  return {
    kind: 'upload',
    facts: [
      ...(facts === null ? [] : changesFacts(facts)),
      {
        id: 'documents',
        label: 'Signed, in this order',
        value: name([upload.dsc, upload.buildinfo, upload.changes].filter((each) => each !== null).join(', then ')),
        ...computed,
      },
      {
        id: 'debusine-fields',
        label: 'Written into the .changes first',
        value:
          debusineFields === null
            ? text('Nothing')
            : name(
                [
                  `Debusine-User: ${debusineFields.user}`,
                  ...(debusineFields.workflow === null ? [] : [`Debusine-Workflow: ${debusineFields.workflow}`]),
                  `Debusine-Work-Request: ${debusineFields.workRequest}`,
                ].join('; '),
              ),
        ...computed,
      },
    ],
    packages: artifact.files.flatMap(packageOf),
    changes: facts === null || facts.changes.length === 0 ? null : facts.changes.join('\n'),
    documents: documentsOf(artifact, upload),
    since:
      last === null
        ? 'No upload of this source was signed here before.'
        : `Compared with ${last.version} for ${last.distribution}, signed here at ${utc(last.at)}. ${orderWords[last.order]}`,
    rows:
      last === null
        ? []
        : [
            ...last.added.map((each): ChangeRow => ({ how: 'added', name: each, detail: '' })),
            ...last.removed.map((each): ChangeRow => ({ how: 'removed', name: each, detail: '' })),
            ...last.resized.map(
              (each): ChangeRow => ({
                how: 'changed',
                name: each.name,
                detail: `${byteSize(each.before)}, now ${byteSize(each.after)}`,
              }),
            ),
          ],
  }
}

const orderWords = {
  newer: 'This one is newer.',
  same: 'This one has the same version.',
  older: 'This one is OLDER.',
  unknown: 'Their versions cannot be compared.',
} as const

function changesFacts(facts: UploadDocumentFacts): readonly Fact[] {
  const rows: readonly (readonly [id: string, label: string, value: string | null])[] = [
    ['source', 'Source', facts.source],
    ['version', 'Version', facts.version],
    ['distribution', 'Distribution', facts.distribution],
    ['urgency', 'Urgency', facts.urgency],
    ['architecture', 'Architecture', facts.architecture],
    ['maintainer', 'Maintainer', facts.maintainer],
    ['changed-by', 'Changed by', facts.changedBy],
    ['date', 'Date', facts.date],
    ['closes', 'Closes', facts.closes.length === 0 ? null : facts.closes.map((bug) => `#${bug}`).join(' ')],
  ]
  return rows.map(
    ([id, label, value]): Fact => ({ id, label, value: value === null ? text('–') : name(value), ...fileSays }),
  )
}

/** dpkg names the file of a package by package, version without epoch, and architecture. */
function packageOf({ path, size }: SheetFile): UploadView['packages'] {
  const [, packageName, architecture, kind] =
    /^([a-z0-9][a-z0-9.+-]*)_[^_]+_([a-z0-9-]+)\.(deb|udeb|ddeb)$/.exec(path) ?? []
  return packageName === undefined || architecture === undefined || kind === undefined
    ? []
    : [{ name: packageName, architecture, kind, size: byteSize(size) }]
}

function indexView(artifact: SheetArtifact, index: NonNullable<SheetArtifact['repositoryIndex']>): IndexView {
  const facts = artifact.files[0]?.facts.kind === 'release' ? artifact.files[0].facts : null
  const { last } = index
  const change = facts?.change ?? null
  const rows = (change?.examples ?? []).map((each): ChangeRow => ({ ...each, detail: '' }))
  const total = change === null ? 0 : change.added + change.removed + change.changed
  return {
    kind: 'index',
    facts: [
      {
        id: 'suite-name',
        label: 'Suite at the server',
        value: name(index.suite),
        source: 'server',
        assurance: 'claimed',
      },
      {
        id: 'output',
        label: 'Output',
        value: name(
          `${index.signedName}: ${index.mode === 'clear' ? 'the text with its signature' : 'a signature beside the text'}`,
        ),
        ...computed,
      },
      ...(facts === null ? [] : releaseFactsOf(facts)),
    ],
    since:
      last === null
        ? 'No index of this suite was signed here before.'
        : change === null
          ? `The last index of this suite, signed here at ${utc(last.at)}, could not be compared with it.`
          : `Since the last one, signed here at ${utc(last.at)} with the Date ${last.date === null ? 'none' : utc(last.date)}: ${change.added} added, ${change.removed} removed, ${change.changed} changed, ${change.unchanged} unchanged.`,
    more: Math.max(0, total - rows.length),
    rows: [
      ...(change?.fields ?? []).map(
        (each): ChangeRow => ({
          how: 'changed',
          name: each.name,
          detail: `“${each.before ?? ''}”, now “${each.after ?? ''}”`,
        }),
      ),
      ...rows,
    ],
  }
}

function releaseFactsOf(facts: ReleaseFacts): readonly Fact[] {
  const yes = (flag: boolean | null) => (flag === null ? null : flag ? 'yes' : 'no')
  const rows: readonly (readonly [id: string, label: string, value: string | null])[] = [
    ['origin', 'Origin', facts.origin],
    ['label', 'Label', facts.label],
    ['suite', 'Suite', facts.suite],
    ['codename', 'Codename', facts.codename],
    ['version', 'Version', facts.version],
    ['description', 'Description', facts.description],
    ['components', 'Components', facts.components.join(' ')],
    ['architectures', 'Architectures', facts.architectures.join(' ')],
    ['by-hash', 'Acquire-By-Hash', yes(facts.acquireByHash)],
    ['not-automatic', 'NotAutomatic', yes(facts.notAutomatic)],
    ['digest-lists', 'Lists of digests', facts.digestLists.join(' ')],
  ]
  const time = (id: string, label: string, iso: string | null): Fact => ({
    id,
    label,
    value: iso === null ? text('–') : { kind: 'time', iso },
    ...fileSays,
  })
  return [
    ...rows.map(
      ([id, label, value]): Fact => ({
        id,
        label,
        value: value === null || value === '' ? text('–') : name(value),
        ...fileSays,
      }),
    ),
    time('date', 'Date', facts.date),
    time('valid-until', 'Valid until', facts.validUntil),
    { id: 'indexes', label: 'Indexes', value: text(count(facts.indexes, 'file')), ...computed },
    // The names are the file's as much as the values: neither is a word of ours.
    ...facts.others.map(
      (field, index): Fact => ({
        id: `other-${index}`,
        label: 'Further field',
        value: name(`${field.name}: ${field.value}`),
        ...fileSays,
      }),
    ),
  ]
}

/** What a file of an upload or an index is, in its row. Null: a file of another kind. */
export function documentRow(file: SheetFile): {
  readonly what: string
  readonly version: string | null
  readonly facts: readonly Fact[]
  readonly faults: readonly { readonly code: string; readonly message: string }[]
  readonly flags: readonly FileFlag[]
} | null {
  const { facts } = file
  switch (facts.kind) {
    case 'upload-document':
      return {
        what: documentWords[facts.document],
        version: facts.version,
        facts: [
          { id: 'format', label: 'Format', value: facts.format === null ? text('–') : name(facts.format), ...fileSays },
          { id: 'listed', label: 'Lists', value: text(count(facts.files.length, 'file')), ...computed },
          ...digestFacts(facts.digests),
        ],
        faults: facts.faults,
        flags: [
          ...(facts.faults.length > 0 ? [{ tone: 'refused' as const, text: count(facts.faults.length, 'fault') }] : []),
          ...((facts.others ?? []).some(({ cutBytes }) => cutBytes > 0)
            ? [{ tone: 'attention' as const, text: 'Not all shown' }]
            : []),
          ...(facts.signedAlready && file.disposition === 'sign'
            ? [{ tone: 'neutral' as const, text: 'Signed anew' }]
            : []),
          ...(file.disposition === 'keep' ? [{ tone: 'neutral' as const, text: 'Not signed' }] : []),
        ],
      }
    case 'payload':
      return {
        what: `Begins like ${facts.what}`,
        version: null,
        facts: digestFacts(facts.digests),
        faults: [],
        flags: [],
      }
    case 'release':
      return {
        what: 'Repository index',
        version: facts.version,
        facts: [],
        faults: facts.faults,
        flags: facts.faults.length > 0 ? [{ tone: 'refused', text: count(facts.faults.length, 'fault') }] : [],
      }
    case 'pe':
    case 'text':
    case 'opaque':
      return null
  }
}

function digestFacts(digests: UploadDocumentFacts['digests']): readonly Fact[] {
  return [
    { id: 'md5', label: 'MD5, as lists have it', value: { kind: 'digest', hex: digests.md5 }, ...computed },
    { id: 'sha1', label: 'SHA-1, as lists have it', value: { kind: 'digest', hex: digests.sha1 }, ...computed },
  ]
}
