import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { artifactId, sha256Hex } from '../../shared/ids.ts'
import { reviewSheet } from '../../shared/review-sheet.ts'
import { sampleUpload } from '../debian/testing/sample-upload.ts'
import { uploadDocumentFacts } from '../debian/upload-document.ts'
import { evaluate } from '../policy/evaluate.ts'
import {
  embedded,
  opaque,
  sampleFile,
  sampleFingerprint,
  sampleKey,
  samplePe,
  samplePolicyInput,
  sampleRequestId,
  sampleSha256,
  sampleWorkRequestId,
} from '../policy/testing/sample-input.ts'
import {
  buildSheet,
  type InspectedArtifact,
  type InspectedFile,
  sheetArtifacts,
  sheetDigest,
  showTheSame,
  titleOf,
} from './build-sheet.ts'

const inspectedFile = (change: Partial<InspectedFile> = {}): InspectedFile => {
  const { ordinal, path, size, sha256, facts, signedBefore } = sampleFile()
  return { ordinal, path, size, sha256, facts, signedBefore, ...change }
}
const inspected = (change: Partial<InspectedArtifact> = {}): InspectedArtifact => ({
  artifactId: artifactId.parse(7),
  category: 'debusine:signing-input',
  binaryPackageName: 'grub-efi-amd64-unsigned',
  trustedCerts: ['AB:CD'],
  permission: {
    kind: 'answered',
    allowed: true,
    username: 'submitter',
    userId: 3,
    resource: { package: 'grub2', version: '2.12-1' },
  },
  files: [inspectedFile()],
  ...change,
})

const sampleAttestation = { result: 'none', root: null, failedBefore: false, seq: null } as const

function sampleSheet() {
  const facts = samplePe({
    sections: [{ name: '.text', offset: 512, rawSize: 512, virtualSize: 500, sha256: sampleSha256('0a') }],
    texts: [{ section: '.osrel', text: 'ID=debian', cut: false }],
    vendorCertificates: [embedded('cd')],
    existingSignatures: [
      { signer: null, issuerName: 'CN=x', digest: 'ab', digestAlgorithm: 'sha256', matchesFile: false },
    ],
    incomplete: ['More than 64 rows.'],
  })
  const signedBefore = [
    { at: '2026-03-04T05:06:07.000Z', requestId: sampleRequestId, workRequest: sampleWorkRequestId },
  ]
  const artifacts = sheetArtifacts([inspected({ files: [inspectedFile({ facts, signedBefore })] })], ['abcd'], 'uefi')
  return buildSheet({
    requestId: sampleRequestId,
    madeAt: '2026-06-01T12:00:00.000Z',
    task: 'sign',
    server: 'https://debusine.example.org',
    request: {
      id: sampleWorkRequestId,
      taskType: 'Signing',
      taskName: 'sign',
      taskData: {},
      dynamicTaskData: {},
      status: 'running',
      result: '',
      worker: 1,
      createdBy: 3,
      createdAt: '2026-06-01T11:00:00Z',
      priority: 0,
      retryCount: 2,
      workspace: 'signing',
      scope: 'debusine',
    },
    purpose: 'uefi',
    fingerprint: sampleFingerprint,
    key: sampleKey(),
    attestation: sampleAttestation,
    artifacts,
    checks: evaluate({ ...samplePolicyInput(), artifacts }),
  })
}

describe('the files on a sheet', () => {
  const [file] = sheetArtifacts([inspected()], [], 'uefi')[0]?.files ?? []

  test('show the Authenticode digest as what will be signed', () => {
    expect(file).toMatchObject({
      disposition: 'sign',
      toBeSigned: { algorithm: 'sha256', digest: sampleFile().toBeSigned?.digest },
    })
  })
  test('that are kernel modules are skipped by their name, also when they are well-formed images', () => {
    const [module] =
      sheetArtifacts([inspected({ files: [inspectedFile({ path: 'linux/x.ko' })] })], [], 'uefi')[0]?.files ?? []
    expect(module).toMatchObject({ disposition: 'skip', toBeSigned: null })
  })
  test('whose name only looks like a module’s are not skipped', () => {
    for (const path of ['x.ko.xz', 'x.ko.efi', 'ko', 'x.KO']) {
      const [other] = sheetArtifacts([inspected({ files: [inspectedFile({ path })] })], [], 'uefi')[0]?.files ?? []
      expect(other?.disposition).toBe('sign')
    }
  })
  test.each([
    ['has a layout fault', samplePe({ layoutFaults: [{ code: 'gap', message: 'A gap.' }] })],
    [
      'has a fault and no digest',
      samplePe({ authenticodeSha256: null, layoutFaults: [{ code: 'gap', message: 'A' }] }),
    ],
    ['has no digest', samplePe({ authenticodeSha256: null })],
    ['is no image', opaque],
  ])('have nothing to be signed when one %s', (_, facts) => {
    const [bad] = sheetArtifacts([inspected({ files: [inspectedFile({ facts })] })], [], 'uefi')[0]?.files ?? []
    expect(bad?.toBeSigned).toBeNull()
  })
})

describe('what the artifact trusts', () => {
  const trusted = (declared: readonly string[] | null, list: readonly string[]) =>
    sheetArtifacts([inspected({ trustedCerts: declared })], list, 'uefi')[0]?.trustedCerts

  test('has three states that are never mixed up', () => {
    expect(trusted(null, ['ab'])).toEqual({ kind: 'not-declared' })
    expect(trusted([], ['ab'])).toEqual({ kind: 'declared-empty' })
    expect(trusted(['AB:CD', 'EF'], ['abcd'])).toEqual({
      kind: 'declared',
      certificates: [
        { fingerprint: 'AB:CD', trusted: true },
        { fingerprint: 'EF', trusted: false },
      ],
    })
  })
})

describe('the head of a sheet', () => {
  test('is the work request as the server gave it and the key as it is registered', () => {
    const { description, production, origin, home, certificate } = sampleKey()
    expect(sampleSheet()).toMatchObject({
      version: 1,
      requestId: sampleRequestId,
      workRequest: {
        server: 'https://debusine.example.org',
        id: sampleWorkRequestId,
        scope: 'debusine',
        workspace: 'signing',
        task: 'sign',
        createdAt: '2026-06-01T11:00:00Z',
        createdBy: 3,
        retryCount: 2,
      },
      purpose: 'uefi',
      key: {
        fingerprint: sampleFingerprint,
        registered: { description, production, origin, home, certificate, attestation: sampleAttestation },
      },
    })
  })
})

type Path = readonly (string | number)[]
function leaves(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const below = Object.entries(value).flatMap(([name, part]) => leaves(part, [...path, name]))
  return below.length > 0 ? below : [path]
}
function replaced(value: unknown, [name, ...rest]: Path, by: (leaf: unknown) => unknown): unknown {
  if (name === undefined) return by(value)
  if (Array.isArray(value)) {
    const parts: readonly unknown[] = value
    return parts.map((part, index) => (String(index) === String(name) ? replaced(part, rest, by) : part))
  }
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, part]) => [
      key,
      key === name ? replaced(part, rest, by) : part,
    ]),
  )
}
function other(leaf: unknown): unknown {
  if (typeof leaf === 'boolean') return !leaf
  if (typeof leaf === 'number') return leaf + 1
  if (typeof leaf === 'string') return `${leaf}.`
  return leaf === null ? 0 : null // null, or an empty list or object
}

describe('the digest of a sheet', () => {
  const sheet = sampleSheet()
  const { bytes, digest } = sheetDigest(sheet)

  test('is of a sheet that the contract takes, and of its canonical bytes', () => {
    expect(reviewSheet.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))).toEqual(sheet)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest)
  })
  test('is another whenever any one leaf is another', () => {
    const all = leaves(sheet)
    expect(all.length).toBeGreaterThan(150)
    for (const path of all) {
      const changed = replaced(sheet, path, other) as typeof sheet // deliberately not a sheet any more
      expect(sheetDigest(changed).digest, path.join('.')).not.toBe(digest)
    }
  })
  test('is another whatever a text or number is changed to', () => {
    const texts = leaves(sheet).filter((path) => {
      const leaf = path.reduce<unknown>((value, name) => (value as Record<string | number, unknown>)[name], sheet)
      return typeof leaf === 'string'
    })
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.string({ unit: 'grapheme' }), (path, text) => {
        let same = false
        const changed = replaced(sheet, path, (leaf) => {
          same = leaf === text
          return text
        }) as typeof sheet // deliberately not a sheet any more
        expect(sheetDigest(changed).digest === digest).toBe(same)
      }),
    )
  })
  test('is another when a check, a file or an artifact is left out or comes twice', () => {
    const [artifact] = sheet.artifacts
    if (artifact === undefined) throw new Error('no artifact')
    const variants = [
      { ...sheet, checks: sheet.checks.slice(1) },
      { ...sheet, checks: sheet.checks.toReversed() },
      { ...sheet, artifacts: [] },
      { ...sheet, artifacts: [artifact, artifact] },
      { ...sheet, artifacts: [{ ...artifact, files: [] }] },
    ]
    const digests = variants.map((variant) => sheetDigest(variant).digest)
    expect(new Set([digest, ...digests]).size).toBe(variants.length + 1)
  })
  test('does not depend on the order in which fields were set', () => {
    const turned = Object.fromEntries(Object.entries(sheet).toReversed()) as typeof sheet // the same fields
    expect(sheetDigest(turned).digest).toBe(digest)
  })
})

describe('two sheets show the same', () => {
  const sheet = sampleSheet()

  test('when only the time at which they were made differs', () => {
    expect(showTheSame(sheet, { ...sheet, madeAt: '2026-06-02T12:00:00.000Z' })).toBe(true)
  })
  test('and not when any other leaf differs', () => {
    for (const path of leaves(sheet)) {
      if (path[0] === 'madeAt') continue
      expect(showTheSame(sheet, replaced(sheet, path, other) as typeof sheet), path.join('.')).toBe(false)
    }
  })
})

describe('the title of a request', () => {
  const title = (...each: readonly Partial<InspectedArtifact>[]) =>
    titleOf(sheetArtifacts(each.map(inspected), [], 'uefi'))
  const silent = { kind: 'not-answered', reason: 'time-out' } as const

  test('is the source package and version that the server names', () => {
    expect(title({})).toBe('grub2 2.12-1')
  })
  test('counts further packages, and the same one once', () => {
    expect(title({}, {})).toBe('grub2 2.12-1')
    expect(title({}, { permission: silent, binaryPackageName: 'shim' })).toBe('grub2 2.12-1 and 1 more')
  })
  test('is the binary package where the server does not answer, else the file or their number', () => {
    expect(title({ permission: silent })).toBe('grub-efi-amd64-unsigned')
    expect(title({ permission: silent, binaryPackageName: null })).toBe('grub/usr/lib/grubx64.efi')
    const files = [inspectedFile(), inspectedFile({ ordinal: 1 })]
    expect(title({ permission: silent, binaryPackageName: null, files })).toBe('2 files')
  })
})

test('the title of an upload is its source and version, of an index its suite and output', () => {
  const [artifact] = sheetArtifacts([inspected({ files: [inspectedFile({ path: 'hello.changes' })] })], [], 'openpgp')
  if (artifact === undefined) throw new Error('there is no artifact')
  const last = null
  const index = { suite: 'forky@debian:suite', mode: 'clear' as const, signedName: 'InRelease', last }
  expect(titleOf([{ ...artifact, repositoryIndex: index }])).toBe('InRelease of forky@debian:suite')
  const bytes = sampleUpload('1:2.0-1').get('hello_1:2.0-1_amd64.changes') ?? new Uint8Array()
  const digests = { md5: '0'.repeat(32), sha1: '0'.repeat(40), sha256: sha256Hex.parse('0'.repeat(64)) }
  const facts = uploadDocumentFacts(bytes, 'changes', digests)
  const upload = { dsc: null, buildinfo: null, changes: 'hello.changes', debusineFields: null, last }
  const files = artifact.files.map((file) => ({ ...file, facts }))
  expect(titleOf([{ ...artifact, files, upload }])).toBe('hello 1:2.0-1')
})
