import type {
  AttestationFacts,
  AttestationFault,
  AttestationRecord,
  AttestationVerdict,
} from '../../../shared/attestation.ts'
import { wasImported } from '../../../shared/attested-origin.ts'
import type { KeyHome, RegisteredKey } from '../../../shared/key.ts'
import type { Tone } from '../../design/Badge.tsx'
import { type Fact, name, text } from '../../parts/fact.ts'

type Word = { readonly text: string; readonly tone: Tone }

export type AttestationView = {
  readonly badge: Word
  /** What came of the last look, and what that means. */
  readonly verdict: { readonly title: string; readonly sentence: string; readonly tone: Exclude<Tone, 'accent'> }
  /** What the certificate says of the key and its token. */
  readonly facts: readonly Fact[]
  /** Looks before the last one, the newest first. */
  readonly earlier: readonly { readonly id: number; readonly at: string; readonly text: string }[]
  /** Empty: there are none. */
  readonly certificatesPem: string
  /** Null: the maker's tool writes no files for this token. */
  readonly commands: readonly string[] | null
  /** Whether the token can be asked: a YubiHSM’s module shows none. */
  readonly canAsk: boolean
}

/** Null for a key in software, which no maker could attest. `records`: of every key, the newest first. */
export function attestationView(key: RegisteredKey, records: readonly AttestationRecord[]): AttestationView | null {
  if (key.home.kind === 'software') return null
  const own = recordsOf(key, records)
  const [last, ...earlier] = own
  const verdict: AttestationVerdict = last?.verdict ?? { kind: 'missing', why: 'not-asked' }
  return {
    badge: badgeOf(verdict, own),
    verdict: sentenceOf(verdict),
    facts: factsOf(verdict, last?.source ?? 'token'),
    earlier: earlier.map(({ seq, at, verdict: before }) => ({ id: seq, at, text: sentenceOf(before).title })),
    certificatesPem: last?.certificatesPem ?? '',
    commands: commandsFor(key.home),
    canAsk: !key.home.token.model.startsWith('YubiHSM'),
  }
}

/** Where the key was born, and who says so. */
export function originFact(key: RegisteredKey, records: readonly AttestationRecord[]): Fact {
  const fact = { id: 'origin', label: 'Origin' } as const
  if (key.home.kind === 'software')
    return {
      ...fact,
      value: text(
        key.origin === 'imported'
          ? 'imported from another installation, kept in software'
          : 'made in software, sealed at this station',
      ),
      source: 'station',
      assurance: 'verified',
    }
  const own = recordsOf(key, records)
  const verdict = own[0]?.verdict
  if (verdict?.kind === 'verified') {
    const value = text(`${attestedOrigin(verdict.facts)}, attested up to ${verdict.root.name}`)
    return { ...fact, value, source: 'station', assurance: 'verified' }
  }
  if (verdict?.kind === 'failed')
    return { ...fact, value: text('not known: its attestation failed'), source: 'station', assurance: 'unknown' }
  switch (key.origin) {
    case 'generated':
      return { ...fact, value: text('generated on the token, not attested'), source: 'token', assurance: 'claimed' }
    case 'imported':
      return { ...fact, value: text('imported into the token'), source: 'token', assurance: 'claimed' }
    case 'unknown':
    case 'software':
      return { ...fact, value: text('not known: the token does not say'), source: 'token', assurance: 'unknown' }
  }
}

function recordsOf(key: RegisteredKey, records: readonly AttestationRecord[]): readonly AttestationRecord[] {
  const nameOf = ({ purpose, fingerprint }: Pick<RegisteredKey, 'purpose' | 'fingerprint'>) =>
    `${purpose} ${fingerprint}`
  return records.filter((record) => nameOf(record) === nameOf(key))
}

function attestedOrigin(facts: AttestationFacts): string {
  if (!wasImported(facts)) return 'generated in the token'
  return facts.device === 'yubihsm' && facts.origin.includes('imported-wrapped')
    ? 'imported into the token, from another under a wrap key'
    : 'imported into the token in clear'
}

/** What failed once does not become good in the list because a later look was better. */
function badgeOf(verdict: AttestationVerdict, own: readonly AttestationRecord[]): Word {
  const failedBefore = own.some((record) => record.verdict.kind === 'failed')
  switch (verdict.kind) {
    case 'verified':
      if (wasImported(verdict.facts)) return { text: 'Imported', tone: 'attention' }
      return failedBefore
        ? { text: 'Attested, failed before', tone: 'attention' }
        : { text: 'Attested', tone: 'passed' }
    case 'failed':
      return { text: 'Attestation failed', tone: 'refused' }
    case 'chain-incomplete':
      return { text: failedBefore ? 'Attestation failed before' : 'Not verified', tone: 'attention' }
    case 'not-offered':
    case 'missing':
      return failedBefore
        ? { text: 'Attestation failed before', tone: 'attention' }
        : { text: 'Not attested', tone: 'neutral' }
  }
}

function sentenceOf(verdict: AttestationVerdict): AttestationView['verdict'] {
  switch (verdict.kind) {
    case 'verified': {
      const { root, facts } = verdict
      const whose = root.source === 'operator' ? 'a root that was added at this station' : 'a root of its maker'
      return {
        title: wasImported(facts) ? 'Attested as imported' : 'Attested by the maker of the token',
        sentence: `The certificate is about this key on this token, and every signature was checked up to ${root.name}, ${whose}. The key was ${attestedOrigin(facts)}.`,
        tone: wasImported(facts) || root.source === 'operator' ? 'attention' : 'passed',
      }
    }
    case 'chain-incomplete':
      return {
        title: 'Attestation not verified',
        sentence: `Nothing is wrong with it, but its issuer ${verdict.lacks} is not known here. What it says is a claim. Add the maker’s certificate under Settings and look again.`,
        tone: 'attention',
      }
    case 'failed':
      return {
        title: 'Attestation failed',
        sentence: `${faultSentences[verdict.fault]} Where this key was born is not known. It stays recorded.`,
        tone: 'refused',
      }
    case 'not-offered':
      return { title: 'No attestation', sentence: notOfferedSentences[verdict.why], tone: 'attention' }
    case 'missing':
      return { title: 'No attestation', sentence: missingSentences[verdict.why], tone: 'neutral' }
  }
}

const faultSentences: Readonly<Record<AttestationFault, string>> = {
  'certificate-malformed': 'A certificate in it is not exactly what a certificate has to be.',
  'duplicate-extension': 'A certificate in it says the same thing twice, so that it could be read in two ways.',
  'unknown-critical-extension': 'A certificate in it has a critical part that nobody here understands.',
  'statement-malformed': 'What it says of the key is not in the form in which its maker’s devices say it.',
  'firmware-impossible': 'It names firmware that never could attest a key.',
  'firmware-differs': 'The token’s own certificate names other firmware than its statement about the key.',
  'another-key': 'It is about another key than the registered one.',
  'another-serial': 'It was made by another token than the one that the key is registered with.',
  'another-place': 'It is about another slot or object than the one where the key is registered.',
  'signature-wrong':
    'A signature in it was not made by the key of the issuer that it names: somebody imitates the issuer.',
  'issuer-no-ca': 'A certificate in it was issued by one that may not issue any.',
  'issuer-is-a-statement':
    'It was signed by a key in a slot or an object of a token, not by the token itself: whoever uses that key can write such a certificate.',
  'path-too-long': 'There are more certificates between it and the root than the root or its maker allows.',
  'not-yet-valid':
    'A certificate in it is not valid yet. If the clock of this machine is wrong, set it and look again.',
  expired: 'A certificate in it has ended.',
  'not-as-logged': 'What is stored of it is not what the audit log says: the database was changed. Check the log.',
}

const notOfferedSentences: Readonly<Record<Extract<AttestationVerdict, { kind: 'not-offered' }>['why'], string>> = {
  'no-statement-for-key':
    'The token attests keys that were generated in it, and has no attestation for this one: it was imported, or the token is older than firmware 4.3.',
  'module-shows-none':
    'OpenSC shows no attestations. Register the key through Yubico’s own module (libykcs11) to have it attested.',
  'other-device': 'This token is of a kind that attests nothing.',
}

const missingSentences: Readonly<Record<Extract<AttestationVerdict, { kind: 'missing' }>['why'], string>> = {
  'files-wanted':
    'A YubiHSM attests its keys, but not through PKCS#11. Make the two certificates with the commands below, and import them.',
  'token-not-read': 'The token could not be asked. Plug it in and ask again.',
  'not-asked': 'Nobody asked for it: the key was registered before this station looked for attestations.',
}

const formWords = {
  unknown: 'a form that is not known',
  'usb-a-keychain': 'USB-A, keychain',
  'usb-a-nano': 'USB-A, nano',
  'usb-c-keychain': 'USB-C, keychain',
  'usb-c-nano': 'USB-C, nano',
  'usb-c-lightning': 'USB-C and Lightning',
  'usb-a-bio': 'USB-A with fingerprint reader',
  'usb-c-bio': 'USB-C with fingerprint reader',
} as const
const pinWords = {
  never: 'never',
  once: 'once a session',
  always: 'for each signature',
  'match-once': 'PIN or finger, once a session',
  'match-always': 'PIN or finger, for each signature',
} as const
const touchWords = {
  never: 'never',
  always: 'for each signature',
  cached: 'for each signature, then 15 seconds free',
} as const

/** Verified: by this station, up to a root. Otherwise whoever gave the certificate says so. */
function factsOf(verdict: AttestationVerdict, from: AttestationRecord['source']): readonly Fact[] {
  if (verdict.kind === 'not-offered' || verdict.kind === 'missing' || verdict.facts === null) return []
  const worth =
    verdict.kind === 'verified'
      ? ({ source: 'station', assurance: 'verified' } as const)
      : ({ source: from === 'files' ? 'file' : 'token', assurance: 'claimed' } as const)
  const fact = (id: string, label: string, value: string): Fact => ({ id, label, value: text(value), ...worth })
  const { facts } = verdict
  if (facts.device === 'yubihsm')
    return [
      fact('attested-token', 'Token', `YubiHSM 2, serial ${facts.serial}, firmware ${facts.firmware}`),
      { ...fact('object', 'Object', ''), value: name(`0x${hex(facts.objectId)} ${facts.label}`) },
      fact('born', 'Origin bits', facts.origin.join(', ')),
      fact('domains', 'Domains', facts.domains.join(', ') || 'none'),
      fact('capabilities', 'Capabilities', facts.capabilities.join(', ') || 'none'),
      fact(
        'exportable',
        'Can leave the token',
        facts.capabilities.includes('exportable-under-wrap') ? 'yes, under a wrap key' : 'no',
      ),
      ...(facts.fipsApproved === null ? [] : [fact('fips', 'FIPS-approved mode', facts.fipsApproved ? 'yes' : 'no')]),
    ]
  const certified = [facts.fips ? 'FIPS' : '', facts.cspn ? 'CSPN' : ''].filter((word) => word !== '').join(', ')
  const serial = facts.serial === null ? 'serial not in the certificate (firmware 4)' : `serial ${facts.serial}`
  return [
    fact('attested-token', 'Token', `YubiKey, ${serial}, firmware ${facts.firmware}`),
    fact('slot', 'Slot', facts.slot),
    fact('pin', 'PIN wanted', pinWords[facts.pinPolicy]),
    fact('touch', 'Touch wanted', touchWords[facts.touchPolicy]),
    ...(facts.formFactor === null ? [] : [fact('form', 'Form', formWords[facts.formFactor])]),
    ...(certified === '' ? [] : [fact('certified', 'Certified', certified)]),
  ]
}

const hex = (id: number) => id.toString(16).padStart(4, '0')

/** The maker's own tools, word for word (yubihsm-shell --help, yubico-piv-tool --help). */
function commandsFor(home: KeyHome): readonly string[] | null {
  if (home.kind !== 'token') return null
  if (home.token.model.startsWith('YubiHSM'))
    return [
      `yubihsm-shell --action=sign-attestation-certificate --object-id=0x${home.ckaId} --attestation-id=0 --outformat=PEM --out=key-${home.ckaId}.pem`,
      'yubihsm-shell --action=get-opaque --object-id=0 --outformat=PEM --out=device.pem',
    ]
  const number = Number.parseInt(home.ckaId, 16)
  const slot = ['9a', '9c', '9d', '9e'][number - 1] ?? (number + 0x7d).toString(16)
  return home.token.model.startsWith('YubiKey')
    ? [
        `yubico-piv-tool --action=attest --slot=${slot} --output=slot-${slot}.pem`,
        'yubico-piv-tool --action=read-certificate --slot=f9 --output=f9.pem',
      ]
    : null
}
