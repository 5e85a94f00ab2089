import type { SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'
import type { ListedDigests, UploadDocumentFacts } from '../../shared/upload-facts.ts'
import type { FakeState } from './fake-station.ts'
import {
  hexOf,
  minutesAgo,
  requestIdOf,
  sampleArtifact,
  sampleChecks,
  sampleDetail,
  sampleFile,
  sampleSheet,
  sampleWorkRequest,
} from './sample-data.ts'
import { hidingOthers, sampleListed, sampleOthers } from './sample-documents.ts'
import { withRequest } from './sample-station.ts'

function digestsOf(path: string): ListedDigests {
  return { md5: hexOf(path).slice(0, 32), sha1: hexOf(path).slice(0, 40), sha256: hexOf(`file ${path}`) }
}

export function sampleDocument(
  document: UploadDocumentFacts['document'],
  path: string,
  change: Partial<UploadDocumentFacts> = {},
): UploadDocumentFacts {
  return {
    kind: 'upload-document',
    document,
    digests: digestsOf(path),
    faults: [],
    signedAlready: false,
    bodySha256: hexOf(`text ${path}`),
    format: document === 'changes' ? '1.8' : document === 'dsc' ? '3.0 (quilt)' : '1.0',
    source: 'hello',
    version: '2.12-1',
    architecture: 'source amd64 all',
    binary: 'hello hello-doc',
    distribution: document === 'changes' ? 'unstable' : null,
    urgency: document === 'changes' ? 'medium' : null,
    maintainer: 'Jo Müller <jo@example.org>',
    changedBy: document === 'changes' ? 'Robin Example <robin@example.org>' : null,
    date: document === 'changes' ? 'Fri, 20 Nov 2026 08:00:00 +0000' : null,
    closes: document === 'changes' ? ['1012345', '1023456'] : [],
    changes:
      document === 'changes'
        ? ['hello (2.12-1) unstable; urgency=medium', '.', '  * New upstream release. (Closes: #1012345, #1023456)']
        : [],
    files: [],
    debusineFields: [],
    others: sampleOthers[document],
    ...change,
  }
}

const changesPath = 'hello_2.12-1_amd64.changes'
const packages = [sampleListed('hello-doc_2.12-1_all.deb', 84_120), sampleListed('hello_2.12-1_amd64.deb', 53_204)]
const source = [sampleListed('hello_2.12.orig.tar.xz', 725_946)]
const listed = {
  // The signature of upstream is in the source package and did not come along.
  source: [...source, sampleListed('hello_2.12.orig.tar.xz.asc', 833)],
  built: [sampleListed('hello_2.12-1.dsc', 2401), ...packages],
  all: [sampleListed('hello_2.12-1.dsc', 2401), ...source, ...packages].map(({ name, size }) =>
    sampleListed(name, size, 'devel'),
  ),
}

export function sampleUploadArtifact(
  change: Partial<UploadDocumentFacts> = {},
  last: NonNullable<SheetArtifact['upload']>['last'] = null,
): SheetArtifact {
  const document = (ordinal: number, path: string, facts: UploadDocumentFacts): SheetFile =>
    sampleFile(ordinal, { path, size: 2400 + ordinal, facts })
  const payload = (ordinal: number, path: string, size: number): SheetFile =>
    sampleFile(ordinal, {
      path,
      size,
      facts: {
        kind: 'payload',
        what: path.endsWith('.deb') ? 'a Debian package or ar archive' : 'xz data',
        digests: digestsOf(path),
      },
      disposition: 'keep',
      toBeSigned: null,
    })
  return sampleArtifact(
    [
      payload(0, 'hello-doc_2.12-1_all.deb', 84_120),
      document(1, 'hello_2.12-1.dsc', sampleDocument('dsc', 'hello_2.12-1.dsc', { files: listed.source })),
      payload(2, 'hello_2.12-1_amd64.deb', 53_204),
      document(
        3,
        'hello_2.12-1_amd64.buildinfo',
        sampleDocument('buildinfo', 'hello_2.12-1_amd64.buildinfo', { files: listed.built }),
      ),
      document(4, changesPath, sampleDocument('changes', changesPath, { files: listed.all, ...change })),
      payload(5, 'hello_2.12.orig.tar.xz', 725_946),
    ],
    {
      category: 'debian:upload',
      binaryPackageName: null,
      trustedCerts: { kind: 'not-declared' },
      permission: {
        kind: 'answered',
        allowed: true,
        username: 'uploader',
        userId: 42,
        resource: { source: 'hello', version: '2.12-1', architecture: 'source amd64 all', distribution: 'unstable' },
      },
      upload: {
        dsc: 'hello_2.12-1.dsc',
        buildinfo: 'hello_2.12-1_amd64.buildinfo',
        changes: changesPath,
        debusineFields: {
          user: 'https://debusine.example.org/-/user/42/',
          workflow: null,
          workRequest: 'https://debusine.example.org/debian/sid/work-request/10423/',
        },
        last,
      },
    },
  )
}

const notAsked = new Set(['trusted-certs', 'embedded-certificates', 'layout-safe', 'file-explained', 'sbat-level'])

function taskSheet(
  task: 'debsign' | 'signrepositoryindex',
  artifact: SheetArtifact,
  checks: ReturnType<typeof sampleChecks>,
): FakeState {
  const sheet = sampleSheet({
    purpose: task === 'debsign' ? 'openpgp' : 'openpgp-repository',
    workRequest: { ...sampleWorkRequest, task },
    artifacts: [artifact],
    checks: checks.filter(({ id }) => !notAsked.has(id)),
  })
  return withRequest(sampleDetail(sheet, { title: task === 'debsign' ? 'hello 2.12-1' : 'forky' }))
}

/** Uploads and repository indexes up for review. */
export const uploadScenarios = {
  upload: () =>
    taskSheet(
      'debsign',
      sampleUploadArtifact(
        {},
        {
          at: minutesAgo(9000),
          requestId: requestIdOf(7),
          version: '2.10-3',
          distribution: 'unstable',
          order: 'newer',
          added: ['hello-doc_…_all.deb'],
          removed: [],
          resized: [{ name: 'hello_…_amd64.deb', before: 51_100, after: 53_204 }],
        },
      ),
      sampleChecks({
        'upload-whole': ['passed', 'The upload is whole: every file is there and is the one that its documents list.'],
        'upload-version': ['passed', 'No newer upload of this source was signed here.'],
      }),
    ),
  'upload-that-hides': () =>
    taskSheet(
      'debsign',
      sampleUploadArtifact({
        changes: ['hello (2.12-1) unstable; urgency=medium', '  * Fix \u202Egnihton\u202C and \u200Bmore.'],
        changedBy: 'Robin\u202E <gro.elpmaxe@nibor>',
        debusineFields: ['Debusine-User'],
        others: hidingOthers,
      }),
      sampleChecks({
        'upload-whole': [
          'attention',
          'The upload is whole; something in it has to be looked at before it is signed.',
          [
            {
              subject: changesPath,
              found: 'has characters that are not seen as they are, the first U+202E',
              outcome: 'attention',
              source: 'file',
            },
            {
              subject: changesPath,
              found: '412345 of the 472345 bytes of its field X-Huge are not shown: they are signed unseen',
              outcome: 'attention',
              source: 'file',
            },
          ],
        ],
        'upload-version': ['passed', 'No newer upload of this source was signed here.'],
      }),
    ),
  'repository-index': () =>
    taskSheet(
      'signrepositoryindex',
      sampleArtifact(
        [
          sampleFile(0, {
            path: 'Release',
            size: 152_000,
            facts: {
              kind: 'release',
              faults: [],
              signedAlready: false,
              bodySha256: hexOf('file Release'),
              origin: 'Example',
              label: 'Example archive',
              suite: 'testing',
              codename: 'forky',
              version: null,
              description: null,
              date: minutesAgo(20),
              validUntil: minutesAgo(-7 * 24 * 60),
              components: ['main', 'contrib'],
              architectures: ['all', 'amd64', 'arm64'],
              acquireByHash: true,
              notAutomatic: null,
              digestLists: ['MD5Sum', 'SHA256'],
              indexes: 482,
              others: [{ name: 'Changelogs', value: 'https://metadata.example.org/@CHANGEPATH@_changelog' }],
              change: {
                date: minutesAgo(300),
                added: 2,
                removed: 0,
                changed: 214,
                unchanged: 266,
                examples: [
                  { how: 'added', name: 'contrib/binary-arm64/Packages' },
                  { how: 'added', name: 'contrib/binary-arm64/Packages.xz' },
                  { how: 'changed', name: 'main/binary-amd64/Packages.xz' },
                ],
                fields: [{ name: 'Architectures', before: 'all amd64', after: 'all amd64 arm64' }],
              },
            },
          }),
        ],
        {
          category: 'debian:repository-index',
          binaryPackageName: null,
          trustedCerts: { kind: 'not-declared' },
          repositoryIndex: {
            suite: 'forky@debian:suite',
            mode: 'clear',
            signedName: 'InRelease',
            last: { at: minutesAgo(299), requestId: requestIdOf(7), date: minutesAgo(300) },
          },
        },
      ),
      sampleChecks({
        'index-sound': ['passed', 'The Release is well-formed, and its times are right.'],
        'index-progress': [
          'attention',
          'It is later than the last index of this suite that was signed here, and changes what the suite says of itself.',
          [
            {
              subject: 'suite forky@debian:suite',
              found: 'Architectures was “all amd64” and is “all amd64 arm64”',
              outcome: 'attention',
              source: 'station',
            },
          ],
        ],
      }),
    ),
} satisfies Record<string, () => FakeState>
