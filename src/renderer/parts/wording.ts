import type { SignAs } from '../../shared/by-hand.ts'
import type { CheckId, CheckOutcome } from '../../shared/check.ts'
import type { KeyState, RegisteredKey } from '../../shared/key.ts'
import type { Purpose } from '../../shared/purpose.ts'
import type { RequestOutcome, RequestStage } from '../../shared/request.ts'
import type { KeyAlgorithm, PinState } from '../../shared/token.ts'
import type { Tone } from '../design/Badge.tsx'

/** Words for the closed sets of shared/; one place, so that a list, a sheet and a dialog never differ. */
export const stageWords: Record<RequestStage, { readonly text: string; readonly tone: Tone }> = {
  preparing: { text: 'Preparing', tone: 'neutral' },
  unprepared: { text: 'Not prepared', tone: 'refused' },
  review: { text: 'To review', tone: 'accent' },
  signing: { text: 'Signing', tone: 'accent' },
  interrupted: { text: 'Interrupted', tone: 'attention' },
  incident: { text: 'Incident', tone: 'refused' },
  returning: { text: 'Returning', tone: 'neutral' },
  done: { text: 'Done', tone: 'neutral' },
}

export const outcomeWords: Record<RequestOutcome, { readonly text: string; readonly tone: Tone }> = {
  signed: { text: 'Signed', tone: 'passed' },
  'partly-signed': { text: 'Partly signed', tone: 'attention' },
  declined: { text: 'Declined', tone: 'neutral' },
  failed: { text: 'Failed', tone: 'refused' },
  'aborted-by-server': { text: 'Withdrawn by server', tone: 'neutral' },
}

export const checkOutcomeWords: Record<CheckOutcome, { readonly text: string; readonly tone: Tone }> = {
  passed: { text: 'Passed', tone: 'passed' },
  attention: { text: 'Attention', tone: 'attention' },
  refused: { text: 'Refused', tone: 'refused' },
  unknown: { text: 'Unknown', tone: 'unknown' },
  'not-applicable': { text: 'Does not apply', tone: 'neutral' },
}

/** What each check looks at, in as few words as it takes; its sentence says what was found. */
export const checkQuestions: Record<CheckId, string> = {
  'request-held': 'Request still held',
  'inputs-unchanged': 'Files as announced',
  'trusted-certs': 'Trusted certificates',
  'embedded-certificates': 'Certificates inside',
  permission: 'Requester’s permission',
  'key-registered': 'Key registered here',
  'key-active': 'Key active',
  'token-present': 'Token present',
  'purpose-matches': 'Purpose',
  'certificate-valid': 'Key’s certificate valid',
  'layout-safe': 'File layout',
  'file-explained': 'Files explained',
  'sbat-level': 'SBAT level',
  'signed-before': 'Signed before',
  'upload-whole': 'Upload whole',
  'upload-version': 'Version follows the last upload',
  'index-sound': 'Index well-formed',
  'index-progress': 'Index follows the last one',
}

/** What the operator states when he ticks the box of a check that needs him. */
export const acknowledgements: Partial<Record<CheckId, string>> = {
  'file-explained':
    'I sign bytes that the station cannot explain, and I have compared their digests with another source.',
  'signed-before': 'I want another signature on bytes that this key has signed before.',
  'upload-whole': 'I have looked at what the documents of this upload hold, and want them signed.',
  'upload-version': 'I want this upload signed though a version that is not older was signed here before.',
  'index-sound': 'I know that the Date of this index lies ahead.',
  'index-progress': 'I have read how this index differs from the last one, and want it signed.',
  'trusted-certs': 'I have checked what these files will trust.',
  'embedded-certificates': 'I know the certificates that these files carry and want them signed with the file.',
  'sbat-level': 'I have checked the SBAT generations against the published revocation level.',
  permission: 'Nobody but this desk asked for these signatures; I answer for them with my name.',
  'certificate-valid': 'I accept the state of the key’s certificate.',
}

/** Where it reads otherwise because several keys sign. */
export const acknowledgementsOfSeveralKeys: Partial<Record<CheckId, string>> = {
  'signed-before': 'I want other signatures on bytes that one of these keys has signed before.',
  'certificate-valid': 'I accept the state of the keys’ certificates.',
}

export const pinStateWords: Record<PinState, { readonly text: string; readonly tone: Tone }> = {
  ok: { text: 'PIN not tried wrongly', tone: 'passed' },
  'count-low': { text: 'PIN was wrong before', tone: 'attention' },
  'final-try': { text: 'Last PIN try', tone: 'refused' },
  locked: { text: 'PIN locked', tone: 'refused' },
  'not-set': { text: 'PIN not set', tone: 'attention' },
}

export const keyStateWords: Record<KeyState, { readonly text: string; readonly tone: Tone }> = {
  active: { text: 'Active', tone: 'passed' },
  suspended: { text: 'Suspended', tone: 'attention' },
  retired: { text: 'Retired', tone: 'neutral' },
  destroyed: { text: 'Destroyed', tone: 'neutral' },
}

/** What the field calls it; the word in the log stays debusine's. */
export const purposeWords: Record<Purpose, string> = {
  uefi: 'UEFI',
  openpgp: 'OpenPGP',
  'openpgp-repository': 'OpenPGP, repositories',
}

/** What opened files can be signed as, and keys of which purpose fit. */
export const signAsWords: Record<
  SignAs,
  { readonly label: string; readonly purpose: Purpose; readonly gives: string }
> = {
  'uefi-detached': {
    label: 'UEFI Secure Boot, detached signature',
    purpose: 'uefi',
    gives: 'A .sig file for each PE image, as sbsign --detached writes it.',
  },
  'openpgp-clear': {
    label: 'OpenPGP, clear-signed text',
    purpose: 'openpgp',
    gives: 'A .asc file for each text, with the text inside, as gpg --clearsign writes it.',
  },
  'openpgp-detached': {
    label: 'OpenPGP, detached signature of any file',
    purpose: 'openpgp',
    gives: 'An armored .asc file for each. The station does not look into the files.',
  },
  'debian-upload': {
    label: 'Debian upload (.changes), as debsign',
    purpose: 'openpgp',
    gives: 'The .dsc, .buildinfo and .changes, signed, under their own names. What it lists has to lie beside it.',
  },
  'release-clear': {
    label: 'Repository index, InRelease',
    purpose: 'openpgp-repository',
    gives: 'An InRelease of the Release file.',
  },
  'release-detached': {
    label: 'Repository index, Release.gpg',
    purpose: 'openpgp-repository',
    gives: 'A Release.gpg of the Release file.',
  },
}

export const originWords: Record<RegisteredKey['origin'], string> = {
  generated: 'generated on the token',
  imported: 'imported into the token',
  unknown: 'origin not known',
  software: 'kept in software',
}

export const algorithmWords: Record<KeyAlgorithm, string> = {
  'rsa-2048': 'RSA 2048',
  'rsa-3072': 'RSA 3072',
  'rsa-4096': 'RSA 4096',
  'ec-p256': 'ECDSA P-256',
  'ec-p384': 'ECDSA P-384',
  ed25519: 'Ed25519',
  unsupported: 'not supported',
}

const roles: Record<string, string> = {
  uki: 'Unified kernel image',
  'systemd-boot': 'systemd-boot',
  shim: 'Shim',
  'linux-kernel': 'Linux kernel',
  grub: 'GRUB',
  fwupd: 'fwupd',
  'efi-application': 'EFI application',
}

/** A role that is not in the list is shown by its own word: it is the inspector's, hence from a closed set of this program. */
export function roleWords(role: string): string {
  return roles[role] ?? role
}
