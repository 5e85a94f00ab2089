import type { ReviewSheet, SheetAttestation } from '../../../shared/review-sheet.ts'
import type { TokenId } from '../../../shared/token.ts'
import { digest, type Fact, name, text } from '../../parts/fact.ts'
import { daysUntil, utc } from '../../parts/format.ts'
import { algorithmWords, originWords } from '../../parts/wording.ts'

export type KeyView = {
  readonly fingerprint: string
  readonly registered: boolean
  readonly description: string | null
  /** Null: not registered here, so nobody has said. */
  readonly production: boolean | null
  readonly facts: readonly Fact[]
  /** The token whose PIN is wanted; null for a software key or an unknown one. */
  readonly token: TokenId | null
  readonly software: boolean
}

/** The key that would sign, as registered here; for a key that is not registered only what the server asked for. */
export function keyView(sheet: ReviewSheet, now: number): KeyView {
  const { fingerprint, registered } = sheet.key
  const asked: Fact = {
    id: 'key-fingerprint',
    label: 'Fingerprint',
    value: digest(fingerprint),
    source: 'server',
    assurance: 'claimed',
  }
  if (registered === null) {
    return {
      fingerprint,
      registered: false,
      description: null,
      production: null,
      facts: [asked],
      token: null,
      software: false,
    }
  }
  const { certificate, home } = registered
  const verified = { source: 'station', assurance: 'verified' } as const
  const left = daysUntil(certificate.notAfter, now)
  return {
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
        value: text(`${utc(certificate.notAfter).slice(0, 10)} (${left < 0 ? 'has expired' : `${left} days left`})`),
        ...verified,
      },
    ],
    token: home.kind === 'token' ? home.token : null,
    software: home.kind === 'software',
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
