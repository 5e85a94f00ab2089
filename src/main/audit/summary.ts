import type { AttestationVerdict, AttestedDevice } from '../../shared/attestation.ts'
import { byHandOrigin } from '../../shared/by-hand-origin.ts'
import { unreachable } from '../../shared/result.ts'
import type { CertificatePart } from './format/certificate-events.ts'
import type { AuditEntryBody, AuditEntryOf, TrustedCertsVerdict } from './format/entry.ts'

/** One plain line that says what an entry records. Text from outside is quoted, with what cannot be seen made visible. */
export function summary(body: AuditEntryBody): string {
  switch (body.event) {
    case 'station-created':
      return `Station ${quoted(body.stationName)} was created by ${quoted(body.operator)} with version ${visible(body.softwareVersion)}`
    case 'station-started':
      return `The station started, version ${visible(body.version)}${body.previousHead === null ? '' : `, after head ${short(body.previousHead)}`}`
    case 'enrolled':
      return `Enrolled at ${visible(body.server)} as ${quoted(body.fqdn)} (${body.method})`
    case 'enrolment-begun':
      return `${quoted(body.operator)} is about to enrol at ${visible(body.server)} as ${quoted(body.fqdn)} (${body.method})`
    case 'user-token-set':
      return `${quoted(body.operator)} ${body.set ? 'set' : 'removed'} the user’s API token`
    case 'duty-changed':
      return `${quoted(body.operator)} went ${body.onDuty ? 'on' : 'off'} duty`
    case 'possession-challenged':
      return `${quoted(body.operator)} asked ${place(body.tokenSerial)} to prove that it holds key ${short(body.fingerprint)} for ${visible(body.purpose)}`
    case 'key-generated':
      return `${quoted(body.operator)} made key ${quoted(body.description)} (${visible(body.algorithm)}, public key ${short(body.spkiSha256)}) for ${visible(body.purpose)}, ${place(body.tokenSerial)}; it is about to sign its certificate${body.tokenSerial === null ? '' : ' or a request for one'}`
    case 'key-generation-intended':
      return `${quoted(body.operator)} is about to have key ${quoted(body.description)} (${visible(body.algorithm)}, ${body.production ? 'production' : 'test'}) made for ${visible(body.purpose)}, ${place(body.tokenSerial)}, id ${visible(body.ckaId)}`
    case 'key-generation-failed':
      return `No key was made, ${place(body.tokenSerial)}: ${visible(body.message)}`
    case 'certificate-intended':
      return `Key of public key ${short(body.spkiSha256)} is about to sign ${ownSignatures[body.what]}, ${place(body.tokenSerial)}`
    case 'openpgp-certificate-changed':
      return `${quoted(body.operator)} ${body.why === 'brought' ? 'brought a newer certificate of' : body.why} OpenPGP key ${short(body.fingerprint)} for ${visible(body.purpose)}; ${body.expires === null ? 'it does not expire' : `it expires ${body.expires.slice(0, 10)}`}`
    case 'openpgp-subkey-bound':
      return `Key ${short(body.signingFingerprint)}, ${place(body.tokenSerial)}, signs as a subkey of OpenPGP key ${short(body.fingerprint)}, ${place(body.primaryTokenSerial)}, for ${visible(body.purpose)}: certificate ${short(body.certificateSha256)}, made by ${quoted(body.operator)}`
    case 'key-generation-closed':
      return `${quoted(body.operator)} gave up the new key of public key ${short(body.spkiSha256)}: ${visible(body.note)}`
    case 'key-asset-created':
      return `Key ${short(body.fingerprint)} for ${visible(body.purpose)} is asset ${body.assetId} at ${visible(body.server)}, workspace ${quoted(body.workspace)}`
    case 'key-registered':
      return `Key ${short(body.fingerprint)} ${quoted(body.description)} registered for ${visible(body.purpose)}: ${originText(body.origin)}, ${place(body.tokenSerial)}`
    case 'key-attested':
      return `Attestation of key ${short(body.fingerprint)} for ${visible(body.purpose)}, ${place(body.tokenSerial)}, ${body.source === 'token' ? 'read from the token' : 'from files'}: ${attestationText(body.verdict)}`
    case 'key-state-changed':
      return `Key ${short(body.fingerprint)} for ${visible(body.purpose)} changed from ${body.from} to ${body.to} by ${quoted(body.operator)}`
    case 'service-key-added':
      return `Service key ${short(body.serviceKey)} (${quoted(body.file)}) ${body.how === 'made' ? `was made by ${quoted(body.operator)}` : 'was found in the folder'}`
    case 'key-reencrypted':
      return `${body.what === 'log-key' ? 'The key of this log' : `Key ${short(body.fingerprint ?? '')} for ${visible(body.purpose ?? '')}`} was sealed anew by ${quoted(body.operator)}: from service key ${short(body.fromServiceKey)} to ${short(body.toServiceKey)}`
    case 'key-import-begun':
      return `${quoted(body.operator)} is about to take ${count(body.taking, 'key')} from a dump (${short(body.dumpSha256)}) and leaves ${body.leaving}`
    case 'keys-exported':
      return `${quoted(body.operator)} exported ${count(body.keys, 'sealed key')} to a file (${short(body.fileSha256)})`
    case 'request-received':
      if (body.server === byHandOrigin)
        return `Files were opened by hand, to be signed for ${visible(body.purpose)}${body.fingerprint === null ? '' : ` with key ${short(body.fingerprint)}`}`
      return `Request${workRequest(body.workRequestId)} received from ${visible(body.server)}, workspace ${quoted(body.workspace)}, for ${visible(body.purpose)}${body.fingerprint === null ? '' : ` with key ${short(body.fingerprint)}`}`
    case 'request-renewed':
      return `${quoted(body.operator)} asked for the request anew, and the server ${body.held ? 'handed it out again' : 'did not hand it out again'}`
    case 'sheet-shown':
      return `Sheet ${short(body.sheetDigest)} was shown to ${quoted(body.operator)}`
    case 'approved':
      return `Sheet ${short(body.sheetDigest)} was approved by ${quoted(body.operator)}${body.acknowledged.length === 0 ? '' : `, acknowledging ${body.acknowledged.map(visible).join(', ')}`}`
    case 'declined':
      return `Declined by ${quoted(body.operator)}${body.sheetDigest === null ? ' before there was a sheet' : `, sheet ${short(body.sheetDigest)}`}: ${visible(body.reason)}`
    case 'login-failed':
      return `Login of ${quoted(body.operator)} at ${place(body.tokenSerial)} failed: ${body.code}`
    case 'intent':
      return `About to sign ${quoted(body.path)} (${short(body.inputSha256)}) with key ${keyText(body)}, ${place(body.tokenSerial)}; ${trustText(body.trustedCertsVerdict)}`
    case 'signed':
      return `Signed ${quoted(body.path)} (${short(body.inputSha256)}) with key ${keyText(body)}; ${(body.key?.position ?? 1) > 1 ? 'its part of the output' : 'output'} ${short(body.outputSha256)}`
    case 'sign-failed':
      return `Not signed: ${quoted(body.path)} (${short(body.inputSha256)})${body.key === undefined ? '' : ` with key ${keyText(body)}`}: ${visible(body.message)}${body.signatureMayExist ? ' A signature may exist.' : ''}`
    case 'returned':
      return `Returned to the server as ${body.result}: ${count(body.outputArtifacts.length, 'output')}, ${count(body.errors.length, 'error')}`
    case 'incident-opened':
      return `Incident: ${count(body.openIntents.length, 'signature')} without a known outcome (${body.openIntents.slice(0, 10).join(', ')}${body.openIntents.length > 10 ? ', …' : ''}). ${visible(body.reason)}`
    case 'incident-closed':
      return `Incident closed by ${quoted(body.operator)}: ${visible(body.note)}`
    case 'clock-moved-back':
      return `The clock was moved back from ${body.from} to ${body.to}`
    case 'settings-changed':
      return `${quoted(body.operator)} changed settings: ${body.fields.map(visible).join(', ')}`
    case 'log-key-created':
      return `${quoted(body.operator)} had the key made that signs the checkpoints of this log: ${visible(body.vkey)}`
    case 'contradiction-closed':
      return `${quoted(body.operator)} closed the contradiction by the checkpoint of ${body.size} entries from ${quoted(body.path)}, which this log ${body.contained ? 'contains' : 'does not contain'}: ${visible(body.reason)}`
    case 'device-log-drained':
      return `Log of device ${visible(body.deviceSerial)} drained: ${count(body.fresh, 'new entry', 'new entries')}, ${body.known} known${body.unloggedBoots + body.unloggedAuthentications === 0 ? '' : `; it could not log ${count(body.unloggedBoots, 'boot')} and ${count(body.unloggedAuthentications, 'authentication')}`}`
    case 'device-incident-opened':
      return `Incident (${body.code}): the log of device ${visible(body.deviceSerial)} and this one differ. ${visible(body.sentence)}`
    case 'device-incident-closed':
      return `Incident with device ${visible(body.deviceSerial)}, opened by entry ${body.openedSeq}, closed by ${quoted(body.operator)}: ${visible(body.note)}`
    case 'attestation-root-added':
      return `${quoted(body.operator)} added the ${body.role} ${quoted(body.name)} (${short(body.sha256)}) for attestations of a ${deviceText(body.device)}`
    case 'attestation-root-withdrawn':
      return `${quoted(body.operator)} withdrew the ${body.role} ${quoted(body.name)} (${short(body.sha256)}) for attestations of a ${deviceText(body.device)}`
    case 'opened-by-hand':
      return `${quoted(body.operator)} opened ${quoted(body.named)} (${short(body.inputSha256)}) by hand${body.opened === body.named ? '' : `, which is ${quoted(body.opened)}`}, to be signed as ${visible(body.signAs)}`
    case 'output-delivered':
      return body.how === 'kept'
        ? `Output ${short(body.outputSha256)} was kept in the station by ${quoted(body.operator)}, and not written to ${quoted(body.path)}`
        : `Output ${short(body.outputSha256)} was written to ${quoted(body.path)}${body.replacedSha256 === null ? '' : `, in place of ${short(body.replacedSha256)}, as ${quoted(body.operator)} said`}`
    case 'standing-approval-granted':
      return `${quoted(body.operator)} approved ahead up to ${count(body.uses, 'request')} of ${quoted(body.scope)} for key ${short(body.fingerprint)}, ${place(body.tokenSerial)}, until ${body.endsAt}${body.lockSeen ? '' : '; the lock of the desk is not seen'}`
    case 'standing-approval-used':
      return `Sheet ${short(body.sheetDigest)} was approved by the standing approval of ${quoted(body.operator)} for key ${short(body.fingerprint)}, use ${body.use} of ${body.uses}`
    case 'standing-approval-withdrawn':
      return `The standing approval for key ${short(body.fingerprint)} is over (${visible(body.why)}) after ${count(body.used, 'use')}`
    case 'confirmation-intended':
      return `${quoted(body.operator)} is about to answer work request ${body.workRequestId} at ${visible(body.server)}, as ${quoted(body.user)}: ${body.confirm ? 'yes' : 'no'}, ${quoted(body.label)}${body.comment === null ? '' : ` (${quoted(body.comment)})`}`
    case 'confirmation-answered':
      return `Answer to work request ${body.workRequestId} at ${visible(body.server)}: ${confirmationText(body.outcome)}${body.status === null ? '' : `; it is ${visible(body.status)}${body.result === null || body.result === '' ? '' : `, ${visible(body.result)}`}`}`
    case 'ceremony-begun':
      return `${quoted(body.operator)} began the ceremony ${quoted(body.title)}, plan ${short(body.planSha256)}`
    case 'ceremony-step-begun':
      return `Ceremony: step ${quoted(body.step)} (${body.kind}) begun${body.attempt === 1 ? '' : `, attempt ${body.attempt}`}`
    case 'ceremony-act-intended':
      return `Ceremony: device ${visible(body.deviceSerial)} is about to be asked in step ${quoted(body.step)}: ${body.act} ${visible(body.object)}`
    case 'ceremony-step-failed':
      return `Ceremony: step ${quoted(body.step)} did not succeed (${body.code}): ${visible(body.message)}`
    case 'ceremony-step-ended':
      return `Ceremony: step ${quoted(body.step)} done, record ${short(body.recordSha256)}`
    case 'ceremony-deviation':
      return `Ceremony: ${body.step === null ? 'a deviation' : `step ${quoted(body.step)} ${body.effect === 'skipped' ? 'was SKIPPED' : 'went otherwise'}`}, by ${quoted(body.by)}: ${visible(body.reason)}`
    case 'ceremony-ended':
      return `Ceremony ${body.outcome}, ${count(body.deviations, 'deviation')}; transcript ${short(body.transcriptSha256)} sealed`
    default:
      return unreachable(body)
  }
}

function confirmationText(outcome: 'taken' | 'not-taken' | 'overtaken' | 'not-delivered'): string {
  switch (outcome) {
    case 'taken':
      return 'taken'
    case 'not-taken':
      return 'not taken, the server said no'
    case 'overtaken':
      return 'too late, it had ended otherwise'
    case 'not-delivered':
      return 'did not arrive, it still waits'
    default:
      return unreachable(outcome)
  }
}

function deviceText(device: AttestedDevice): string {
  return device === 'yubihsm' ? 'YubiHSM' : 'YubiKey'
}

function attestationText(verdict: AttestationVerdict): string {
  switch (verdict.kind) {
    case 'verified':
      return `verified up to ${quoted(verdict.root.name)}${verdict.root.source === 'operator' ? ', a root of the operator' : ''}`
    case 'chain-incomplete':
      return `incomplete, issuer ${quoted(verdict.lacks)} is not known`
    case 'failed':
      return `FAILED (${verdict.fault})`
    case 'not-offered':
      return `the token offers none (${verdict.why})`
    case 'missing':
      return `missing (${verdict.why})`
    default:
      return unreachable(verdict)
  }
}

function trustText(verdict: TrustedCertsVerdict): string {
  switch (verdict.kind) {
    case 'not-declared':
      return 'trusted certificates not declared'
    case 'declared-empty':
      return 'declared to trust no certificate'
    case 'declared':
      return `${verdict.trusted} of ${verdict.declared} declared certificates trusted`
    default:
      return unreachable(verdict)
  }
}

function originText(origin: 'generated' | 'imported' | 'unknown' | 'software'): string {
  switch (origin) {
    case 'generated':
      return 'generated on the token'
    case 'imported':
      return 'imported'
    case 'unknown':
      return 'origin not known'
    case 'software':
      return 'made in software'
    default:
      return unreachable(origin)
  }
}

function place(tokenSerial: string | null): string {
  return tokenSerial === null ? 'software key store' : `token ${visible(tokenSerial)}`
}

function workRequest(id: number | null): string {
  return id === null ? '' : ` (work request ${id})`
}

function count(n: number, noun: string, nouns = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : nouns}`
}

/** Which key, and of how many that sign the same file. */
function keyText({ fingerprint, key }: Pick<AuditEntryOf<'intent'>, 'fingerprint' | 'key'>): string {
  return key === undefined ? short(fingerprint) : `${short(fingerprint)}, ${key.position} of ${key.count}`
}

function short(hex: string): string {
  return `${hex.slice(0, 16)}…`
}

function quoted(text: string): string {
  return `“${visible(text)}”`
}

/** Controls, line breaks and marks that reorder text (Unicode TR36 §2.3.1) would let a name from outside rewrite the line. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (mark) => `\\u{${mark.codePointAt(0)?.toString(16)}}`)
}

const ownSignatures: Record<CertificatePart, string> = {
  certificate: 'its certificate',
  'certificate-request': 'its certificate request',
  'openpgp-certification': 'its user id (OpenPGP)',
  'openpgp-direct-key': 'what it says of itself (OpenPGP)',
  'openpgp-subkey-binding': 'that a subkey is its own (OpenPGP)',
  'openpgp-primary-key-binding': 'that it is a subkey of another key (OpenPGP)',
  'openpgp-key-revocation': 'its revocation (OpenPGP)',
  'openpgp-subkey-revocation': 'the revocation of a subkey (OpenPGP)',
}
