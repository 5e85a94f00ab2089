import type { AuditRow } from '../../shared/audit.ts'
import type { AuditSeq, Fingerprint, WorkRequestId } from '../../shared/ids.ts'
import type { FileOutcome, FurtherOutcome, RequestDetail, RequestSummary } from '../../shared/request.ts'
import type { FurtherKey, ReviewSheet, SheetKey } from '../../shared/review-sheet.ts'
import type { TokenId } from '../../shared/token.ts'
import type { FakeState } from './fake-station.ts'
import {
  hexOf,
  minutesAgo,
  requestIdOf,
  sampleCertificate,
  sampleChecks,
  sampleDetail,
  sampleMechanisms,
  sampleObject,
  sampleSheet,
  sampleToken,
  sampleTokenSummary,
  sampleWorkRequest,
} from './sample-data.ts'
import { signedFile } from './sample-sheets.ts'
import { auditRows, base, withRequest } from './sample-station.ts'
import { sampleIndexArtifact } from './upload-scenarios.ts'

export const secondToken: TokenId = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' }
export const thirdToken: TokenId = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '23917755' }

function indexKey(
  name: string,
  change: Partial<NonNullable<SheetKey['registered']>> & { readonly token?: TokenId | null; readonly ckaId?: string },
): SheetKey {
  const { token = sampleToken, ckaId = '02', ...registered } = change
  const fingerprint = hexOf(name).slice(0, 40).toUpperCase() as Fingerprint
  const user = `${name} <ftpmaster@example.org>`
  return {
    fingerprint,
    registered: {
      description: name,
      production: true,
      origin: token === null ? 'software' : 'generated',
      home:
        token === null
          ? { kind: 'software' }
          : { kind: 'token', token, ckaId, pkcs11Uri: `pkcs11:serial=${token.serial};id=%${ckaId}` },
      certificate: sampleCertificate({
        subject: user,
        issuer: user,
        serial: fingerprint,
        algorithm: 'ed25519',
        selfSigned: true,
      }),
      attestation:
        token === null
          ? null
          : {
              result: 'generated',
              root: { name: 'CN=Yubico PIV Root CA Serial 263751', source: 'shipped' },
              failedBefore: false,
              seq: 12 as AuditSeq,
            },
      ...registered,
    },
  }
}

const allowed: FurtherKey['permission'] = {
  kind: 'answered',
  allowed: true,
  username: 'kernel-uploader',
  userId: 42,
  resource: { suite: 'forky@debian:suite' },
}

function further(key: SheetKey, change: Partial<FurtherKey> = {}): FurtherKey {
  return { key, permission: allowed, signedBefore: [], ...change }
}

const first = indexKey('Archive signing key 2026 (forky)', {})
const onSameToken = further(indexKey('Archive signing key 2028 (forky)', { ckaId: '05' }))
const onSecondToken = further(
  indexKey('Archive signing key 2028 (YubiHSM)', { token: secondToken, ckaId: '0064', attestation: null }),
)
const inSoftware = further(indexKey('Rehearsal key of the archive', { token: null, production: false }))
const longNamed = further(
  indexKey(
    'Stable release key of the Example Project’s archive and its mirrors, kept by the release team in the safe of the Helsinki office, which replaces the one of the year 2023 before it ends',
    { token: thirdToken, origin: 'unknown', attestation: null },
  ),
  {
    permission: { kind: 'own-signature', username: 'release-team', userId: 77, mine: true },
    signedBefore: [
      { at: minutesAgo(9_000), requestId: requestIdOf(1_003), workRequest: 10_397 as WorkRequestId },
      { at: minutesAgo(12_000), requestId: requestIdOf(1_004), workRequest: null },
    ],
  },
)

const notAsked = new Set(['trusted-certs', 'embedded-certificates', 'layout-safe', 'file-explained', 'sbat-level'])

function indexSheet(furtherKeys: readonly FurtherKey[], checks: Parameters<typeof sampleChecks>[0] = {}): ReviewSheet {
  return sampleSheet({
    purpose: 'openpgp-repository',
    workRequest: { ...sampleWorkRequest, task: 'signrepositoryindex' },
    key: first,
    furtherKeys: [...furtherKeys],
    artifacts: [{ ...sampleIndexArtifact(), permission: allowed }],
    checks: sampleChecks({
      'index-sound': ['passed', 'The Release is well-formed, and its times are right.'],
      'index-progress': ['passed', 'It follows on the last index of its suite that was signed here.'],
      ...checks,
    }).filter(({ id }) => !notAsked.has(id)),
  })
}

const tokenHere = (id: TokenId, change: Partial<ReturnType<typeof sampleTokenSummary>> = {}) => ({
  token: sampleTokenSummary({
    id,
    label: id.model,
    ...(id.model === 'YubiHSM' ? { minPinLength: 12, maxPinLength: 68 } : {}),
    ...change,
  }),
  objects: [sampleObject()],
  mechanisms: sampleMechanisms,
  problem: null,
})

function several(
  sheet: ReviewSheet,
  summary: Partial<RequestSummary> = {},
  change: Partial<RequestDetail> = {},
  tokens: FakeState['tokens'] = [tokenHere(sampleToken), tokenHere(secondToken), tokenHere(thirdToken)],
): FakeState {
  const detail = sampleDetail(sheet, { title: 'forky', ...summary })
  const files = detail.files.map((file) => ({
    ...file,
    further: (sheet.furtherKeys ?? []).map(({ key }) => ({
      fingerprint: key.fingerprint,
      outcome: { kind: 'waiting' } as const,
    })),
  }))
  return withRequest(
    { ...detail, files, ...change },
    { tokens, pins: new Map([[secondToken.serial, '0001password-of-the-hsm']]) },
  )
}

/** The request after its approval, with what became of the first key's signature and of those of the others. */
function staged(
  stage: RequestSummary['stage'],
  outcome: 'waiting' | 'begun' | 'signed' | 'unknown',
  others: readonly FurtherOutcome['kind'][],
  change: Partial<RequestDetail> = {},
  ended: RequestSummary['outcome'] = null,
): FakeState {
  const sheet = indexSheet([onSecondToken, longNamed].slice(0, others.length))
  const made = (kind: FurtherOutcome['kind']): FurtherOutcome => {
    if (kind === 'made') return { kind, at: minutesAgo(1) }
    return kind === 'failed' ? { kind, failure: removed, at: minutesAgo(1) } : { kind }
  }
  return several(
    sheet,
    { stage, outcome: ended, signedCount: outcome === 'signed' ? 1 : 0 },
    {
      decision: { kind: 'approved', operator: 'Release Manager', at: minutesAgo(2), reason: null },
      auditSeqs: [4, 5, 6, 7],
      files: [
        {
          ordinal: 0,
          path: 'Release',
          // As main does: never better than the worst part.
          outcome: outcome === 'signed' ? signedFile('Release') : worst({ kind: outcome }, others.map(made)),
          further: (sheet.furtherKeys ?? []).map(({ key }, index) => ({
            fingerprint: key.fingerprint,
            outcome: made(others[index] ?? 'waiting'),
          })),
        },
      ],
      ...(ended === null ? {} : { held: null }),
      ...change,
    },
  )
}

function worst(own: FileOutcome, others: readonly FurtherOutcome[]): FileOutcome {
  const failed = others.find((each) => each.kind === 'failed')
  if (own.kind !== 'waiting' || failed === undefined) {
    const open = (['unknown', 'begun'] as const).find((kind) => others.some((each) => each.kind === kind))
    return own.kind === 'waiting' && open !== undefined ? { kind: open } : own
  }
  return failed
}

const removed = {
  kind: 'unavailable',
  code: 'token-removed',
  message: `The token ${thirdToken.model}, serial ${thirdToken.serial}, was removed before it was asked. Nothing was signed with its key.`,
} as const

const silent = {
  kind: 'unavailable',
  code: 'token-removed',
  message: `The token ${thirdToken.model}, serial ${thirdToken.serial}, was removed while it was signing.`,
} as const

/** The log of a request of two keys: the second one's signature first, then the first one's, which completes the file. */
function severalLog(): AuditRow[] {
  const rows = auditRows(9)
  const uses = [
    ['intent', 2],
    ['signed', 2],
    ['intent', 1],
    ['sign-failed', 1],
    ['intent', 1],
    ['signed', 1],
  ] as const
  return rows.map((row, index): AuditRow => {
    const [event, position] = uses[index - 3] ?? []
    if (event === undefined) return row
    const whose = position === 1 ? first : onSecondToken.key
    return {
      ...row,
      event,
      requestId: requestIdOf(1),
      workRequestId: 10_423,
      purpose: 'openpgp-repository',
      fingerprint: whose.fingerprint,
      inputSha256: hexOf('file Release'),
      ...(event === 'signed' ? { outputSha256: hexOf(`output ${position}`) } : {}),
      key: { position, count: 2 },
      withdrawn: event === 'sign-failed',
      summary:
        event === 'intent'
          ? `About to sign “Release” with key ${whose.fingerprint.slice(0, 8)}…`
          : event === 'signed'
            ? `Signed “Release” with key ${whose.fingerprint.slice(0, 8)}…`
            : 'Not signed: “Release”: the operator stopped.',
    }
  })
}

/** An index that several keys sign: at review, with what a token can be like, and at each stage of its life. */
export const severalScenarios = {
  'several-one-token': () => ({ ...several(indexSheet([onSameToken])), signingPace: 150 }),
  'several-two-tokens': () => several(indexSheet([onSecondToken])),
  'several-runs': () => ({ ...several(indexSheet([onSecondToken])), signingPace: 150 }),
  'several-software': () => several(indexSheet([inSoftware])),
  'several-three': () =>
    several(
      indexSheet([onSecondToken, longNamed], {
        'signed-before': [
          'attention',
          'One of the keys signed this index before, 2 times.',
          [
            {
              subject: 'Release',
              found: 'signed by key 3, work request 10397',
              outcome: 'attention',
              source: 'station',
            },
          ],
        ],
      }),
    ),
  'several-eight': () =>
    several(
      indexSheet([
        onSameToken,
        onSecondToken,
        longNamed,
        inSoftware,
        ...['bullseye', 'bookworm', 'trixie'].map((suite) =>
          further(indexKey(`Archive signing key 2027 (${suite})`, { token: thirdToken, ckaId: '0a' })),
        ),
      ]),
    ),
  'several-not-allowed': () =>
    several(
      indexSheet(
        [
          { ...onSecondToken, permission: { ...allowed, allowed: false } },
          further({ ...inSoftware.key, registered: null }),
        ],
        {
          permission: ['refused', 'The server does not allow kernel-uploader to use key 2 in this workspace.'],
          'key-registered': ['refused', 'Key 3 is not registered here.'],
        },
      ),
    ),
  'several-waits': () =>
    several(
      indexSheet([onSecondToken], {
        'token-present': ['unknown', 'The token with key 2 (serial 07550140) is not here.'],
      }),
      { waitsForKey: true },
      {},
      [tokenHere(sampleToken)],
    ),
  'several-token-gone': () => several(indexSheet([onSecondToken]), {}, {}, [tokenHere(sampleToken)]),
  'several-locked': () =>
    several(indexSheet([onSecondToken, longNamed]), {}, {}, [
      tokenHere(sampleToken),
      tokenHere(secondToken, { pinState: 'not-set' }),
      tokenHere(thirdToken, { pinState: 'locked' }),
    ]),
  'several-last-try': () =>
    several(indexSheet([longNamed]), {}, {}, [
      tokenHere(sampleToken, { pinState: 'count-low' }),
      tokenHere(thirdToken, { pinState: 'final-try' }),
    ]),
  'several-log': () => ({ ...base(), audit: severalLog() }),
  'several-signing': () => staged('signing', 'waiting', ['made', 'begun']),
  'several-interrupted': () => staged('interrupted', 'waiting', ['made']),
  'several-interrupted-three': () => staged('interrupted', 'waiting', ['made', 'waiting']),
  'several-incident': () => staged('incident', 'waiting', ['made', 'unknown'], { failure: silent }),
  'several-incident-first': () => staged('incident', 'unknown', ['made']),
  'several-signed': () => staged('done', 'signed', ['made', 'made'], {}, 'signed'),
  'several-failed': () => staged('done', 'waiting', ['made', 'failed'], { failure: removed }, 'failed'),
} satisfies Record<string, () => FakeState>
