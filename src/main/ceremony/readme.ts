import type { Transcript } from './transcript.ts'

/** How anybody checks the evidence, with tools that are not ours but for the log. */
export function readmeText({
  transcript,
  vkey,
  sealedSeq,
  names,
}: {
  readonly transcript: Transcript
  readonly vkey: string
  readonly sealedSeq: number
  readonly names: readonly string[]
}): string {
  const { plan, stationName, ceremonyId, outcome, endedAt } = transcript
  const evidence = names.filter((name) => name.startsWith('evidence/'))
  const matching = (form: RegExp) => evidence.flatMap((name) => form.exec(name)?.slice(1, 2) ?? [])
  const certificates = matching(/^evidence\/(.*)-certificate\.pem$/)
  const openPgp = matching(/^evidence\/(.*)-certificate\.asc$/)
  const requests = matching(/^evidence\/(.*)-request\.pem$/)
  const attested = matching(/^evidence\/(.*)-attestation-1-statement\.pem$/)
  const signed = matching(/^evidence\/(.*)-signature\.bin$/)
  const parts = [
    `${oneLine(plan.script.title)}
Ceremony ${ceremonyId} at ${oneLine(stationName)}, ${outcome} ${endedAt}

Evidence of a key ceremony. Nothing in here is secret; a backup of a key is not in here.
Every command below is run in the folder into which this archive was unpacked.`,
    `1. Is every file as it was handed out?

   sha256sum --check SHA256SUMS

This finds a file that was damaged. Whoever changes a file can change the list too: what follows does not rest on it.`,
    `2. Is the audit log whole, and is the transcript sealed in it?

   signing-station-verify --vkey '${vkey}' --checkpoint log/checkpoint.txt --transcript transcript.json log/log.jsonl
   signing-station-verify --vkey '${vkey}' log/transcript.tlog-proof
   grep -c "\\"transcriptSha256\\":\\"$(sha256sum transcript.json | cut -d' ' -f1)\\"" log/log.jsonl

The first command also holds the transcript against the log: that it is the one that was sealed, that each record of it stands in an
entry of its own, and that the log has nothing of the ceremony that it leaves out. It ends with 0 for all of that, with 1 where something
was changed. The last command must say 1: entry ${sealedSeq} of the log (event "ceremony-ended") has the SHA-256 of transcript.json, so a
transcript that was changed afterwards is found. Compare the verifier key with what you have of this station from elsewhere: a
log that somebody wrote anew verifies with a key of his own. A checkpoint that you kept yourself (--checkpoint FILE) shows that nothing
before it was changed or cut off since; log/checkpoint.txt came with the log.

transcript.html is made from transcript.json for reading and printing. Each record in transcript.json names its entry of the log.`,
    `3. What the files are

   script.json               the script, as it was read (SHA-256 ${plan.scriptSha256})
   transcript.json           all that happened, sealed (docs/formats/ceremony.md of the program)
   log/log.jsonl             the whole audit log of the station up to log/checkpoint.txt
${evidence.map((name) => `   ${name}`).join('\n')}

The transcript has the SHA-256 of every file under evidence/ but the lists of issuers, which are the issuers' files together.`,
    ...certificates.map(
      (key) => `Certificate of the key "${key}", and whether it signs itself rightly:

   openssl x509 -in evidence/${key}-certificate.pem -noout -text
   openssl verify -check_ss_sig -CAfile evidence/${key}-certificate.pem evidence/${key}-certificate.pem

(A certificate that a CA issued is verified up to that CA instead: openssl verify -CAfile CA.pem evidence/${key}-certificate.pem)`,
    ),
    ...openPgp.map(
      (key) => `OpenPGP certificate of the key "${key}"; the fingerprint is in the transcript:

   gpg --show-keys --with-fingerprint evidence/${key}-certificate.asc`,
    ),
    ...requests.map(
      (key) => `Certificate request of the key "${key}":

   openssl req -in evidence/${key}-request.pem -verify -noout -text`,
    ),
    ...signed.map(
      (step) => `Test signature of the step "${step}", over a text of that moment:

   openssl dgst -sha256 -verify evidence/${step}-public-key.pem -signature evidence/${step}-signature.bin evidence/${step}-message.txt`,
    ),
    ...attested.map((key) => attestationText(key, evidence)),
  ]
  return `${parts.join('\n\n')}\n`
}

function attestationText(key: string, evidence: readonly string[]): string {
  const root = evidence.find((name) => name.startsWith(`evidence/${key}-attestation-`) && name.endsWith('-root.pem'))
  const issuers = `evidence/${key}-attestation-issuers.pem`
  const untrusted = evidence.includes(issuers) ? ` -untrusted ${issuers}` : ''
  return `Attestation of the key "${key}": what the device's maker says of its birth.

   openssl verify -partial_chain -ignore_critical -CAfile ${root ?? 'ROOT.pem'}${untrusted} evidence/${key}-attestation-1-statement.pem
   openssl x509 -in evidence/${key}-attestation-1-statement.pem -noout -text

Compare the root with the one that the maker publishes (https://developers.yubico.com/PKI/). The public key in the statement must be that of the
certificate: openssl x509 -noout -pubkey -in FILE prints it.`
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}
