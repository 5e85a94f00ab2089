import { noExpiry } from '../../../shared/no-expiry.ts'
import type { FurtherKey, ReviewSheet, SheetAttestation, SheetKey } from '../../../shared/review-sheet.ts'
import type { TokenId } from '../../../shared/token.ts'
import { digest, type Fact, name, text } from '../../parts/fact.ts'
import { daysUntil, utc } from '../../parts/format.ts'
import { algorithmWords, originWords } from '../../parts/wording.ts'
import { permissionFact } from './permission-view.ts'
import { beforeWords } from './signed-before-view.ts'

export type KeyView = {
  /** Its place among the keys that sign, from 1, and how many these are. */
  readonly number: number
  readonly of: number
  readonly fingerprint: string
  readonly registered: boolean
  readonly description: string | null
  /** Null: not registered here, so nobody has said. */
  readonly production: boolean | null
  readonly facts: readonly Fact[]
  /** The token whose PIN is wanted; null for a software key or an unknown one. */
  readonly token: TokenId | null
  readonly software: boolean
  /** Where it is, in a few words; null: not registered here. */
  readonly place: string | null
}

export type KeyViews = readonly [KeyView, ...KeyView[]]

/**
 * Every key that signs, in the order of the signatures. Where there are several, each has the server's answer about it and what it
 * signed before among its facts; of a single key both stand where its sheet has always had them.
 */
export function keyViews(sheet: Pick<ReviewSheet, 'key' | 'furtherKeys' | 'artifacts'>, now: number): KeyViews {
  const further = sheet.furtherKeys ?? []
  const of = 1 + further.length
  const first = keyView(sheet.key, now, { number: 1, of })
  if (further.length === 0) return [first]
  const facts = sheet.artifacts.flatMap(({ permission, files }) =>
    useFacts({ permission, signedBefore: files.flatMap((file) => file.signedBefore) }),
  )
  return [
    { ...first, facts: [...first.facts, ...facts] },
    ...further.map((each, index): KeyView => {
      const view = keyView(each.key, now, { number: index + 2, of })
      return { ...view, facts: [...view.facts, ...useFacts(each)] }
    }),
  ]
}

function useFacts({ permission, signedBefore }: Pick<FurtherKey, 'permission' | 'signedBefore'>): readonly Fact[] {
  return [
    permissionFact('key-permission', permission),
    {
      id: 'key-signed-before',
      label: 'Signed this before',
      value: text(signedBefore.length === 0 ? 'No, not at this station' : signedBefore.map(beforeWords).join('; ')),
      source: 'station',
      assurance: 'verified',
    },
  ]
}

/** What a badge says of all keys together. Null: none is a production key, and one is not registered here. */
export function productionOf(keys: readonly KeyView[]): boolean | null {
  if (keys.some(({ production }) => production === true)) return true
  return keys.some(({ production }) => production === null) ? null : false
}

/** The key that would sign, as registered here; for a key that is not registered only what the server asked for. */
export function keyView(key: SheetKey, now: number, place: Pick<KeyView, 'number' | 'of'>): KeyView {
  const { fingerprint, registered } = key
  const asked: Fact = {
    id: 'key-fingerprint',
    label: 'Fingerprint',
    value: digest(fingerprint),
    source: 'server',
    assurance: 'claimed',
  }
  if (registered === null) {
    return {
      ...place,
      fingerprint,
      registered: false,
      description: null,
      production: null,
      facts: [asked],
      token: null,
      software: false,
      place: null,
    }
  }
  const { certificate, home } = registered
  const verified = { source: 'station', assurance: 'verified' } as const
  const left = daysUntil(certificate.notAfter, now)
  return {
    ...place,
    fingerprint,
    registered: true,
    description: registered.description,
    production: registered.production,
    facts: [
      { id: 'key-subject', label: 'Subject', value: name(certificate.subject), ...verified },
      { ...asked, ...verified },
      home.kind === 'token'
        ? {
            id: 'key-home',
            label: 'Token',
            value: name(`${home.token.manufacturer} ${home.token.model}, serial ${home.token.serial}`),
            ...verified,
          }
        : { id: 'key-home', label: 'Kept', value: text('In this station’s database, in software'), ...verified },
      { id: 'key-algorithm', label: 'Algorithm', value: text(algorithmWords[certificate.algorithm]), ...verified },
      {
        id: 'key-origin',
        label: 'Origin',
        value: text(originWords[registered.origin]),
        // A software key was made here; where a token's key was born is the token's word.
        ...(home.kind === 'software'
          ? verified
          : ({ source: 'token', assurance: registered.origin === 'unknown' ? 'unknown' : 'claimed' } as const)),
      },
      ...attestationFacts(registered.attestation ?? null),
      {
        id: 'key-valid',
        label: 'Valid until',
        value: text(
          certificate.notAfter === noExpiry
            ? 'Does not expire'
            : `${utc(certificate.notAfter).slice(0, 10)} (${left < 0 ? 'has expired' : `${left} days left`})`,
        ),
        ...verified,
      },
    ],
    token: home.kind === 'token' ? home.token : null,
    software: home.kind === 'software',
    place: home.kind === 'token' ? `${home.token.model}, serial ${home.token.serial}` : 'in software',
  }
}

/** Says who vouches for the origin. Only a verified one is this station's own finding. */
function attestationFacts(attestation: SheetAttestation | null): readonly Fact[] {
  if (attestation === null) return []
  const { result, root, failedBefore, seq } = attestation
  const entry = seq === null ? '' : ` (entry ${seq} of the log)`
  const fact = { id: 'key-attestation', label: 'Attestation' } as const
  const before = failedBefore ? '; an earlier one failed' : ''
  const upTo =
    root === null ? '' : `, verified up to ${root.name}${root.source === 'operator' ? ', a root added here' : ''}`
  switch (result) {
    case 'generated':
      return [
        {
          ...fact,
          value: name(`generated in the token${upTo}${before}${entry}`),
          source: 'station',
          assurance: 'verified',
        },
      ]
    case 'imported':
      return [
        {
          ...fact,
          value: name(`imported into the token${upTo}${before}${entry}`),
          source: 'station',
          assurance: 'verified',
        },
      ]
    case 'not-verified':
      return [
        {
          ...fact,
          value: text(`not verified: its issuer is not known here${before}${entry}`),
          source: 'token',
          assurance: 'claimed',
        },
      ]
    case 'failed':
      return [
        {
          ...fact,
          value: text(`failed: where the key was born is not known${entry}`),
          source: 'station',
          assurance: 'unknown',
        },
      ]
    case 'none':
      return [{ ...fact, value: text(`none${before}${entry}`), source: 'station', assurance: 'unknown' }]
  }
}
