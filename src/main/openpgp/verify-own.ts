import { createHash } from 'node:crypto'
import type { PublicKey, VerifyMessageResult } from 'openpgp'

/**
 * Checks what this station made before it is released, with openpgp.js: it shares nothing with the serializer of this folder but the
 * primitives of the runtime. Loaded when it is first needed.
 */

/** Who must have signed: the certificate (transferable public key, binary), and the fingerprint of the key in it that signs. */
export interface ExpectedSigner {
  readonly certificate: Uint8Array
  readonly signingFingerprint: Uint8Array
}

/**
 * Null: the message holds the text and one good signature of each. Else what is wrong, a sentence. `at`: when the certificates must be
 * valid; null: when the last of the signatures says that it was made.
 */
export async function verifyOwnCleartext(
  output: Uint8Array,
  text: Uint8Array,
  expected: readonly ExpectedSigner[],
  at: Date | null,
): Promise<string | null> {
  const openpgp = await import('openpgp')
  try {
    const message = await openpgp.readCleartextMessage({ cleartextMessage: decoded(output) })
    const keys = await certificates(expected)
    const date = at ?? (await timeOf(decoded(output)))
    const { data, signatures } = await openpgp.verify({ message, verificationKeys: keys, date })
    if (data !== signedText(decoded(text))) return 'The signed text is not the text of the file.'
    return await problemWith(signatures, expected)
  } catch (error) {
    return `The message cannot be read: ${error instanceof Error ? error.message : String(error)}.`
  }
}

/** The same of a detached signature, armored or binary. */
export async function verifyOwnDetached(
  output: Uint8Array,
  data: Uint8Array,
  expected: readonly ExpectedSigner[],
  at: Date | null,
): Promise<string | null> {
  const openpgp = await import('openpgp')
  try {
    const armored = Buffer.from(output.subarray(0, 10)).toString('latin1') === '-----BEGIN'
    const signature = await (armored
      ? openpgp.readSignature({ armoredSignature: decoded(output) })
      : openpgp.readSignature({ binarySignature: output }))
    const message = await openpgp.createMessage({ binary: data })
    const keys = await certificates(expected)
    const { signatures } = await openpgp.verify({
      message,
      signature,
      verificationKeys: keys,
      date: at,
      format: 'binary',
    })
    return await problemWith(signatures, expected)
  } catch (error) {
    return `The signature cannot be read: ${error instanceof Error ? error.message : String(error)}.`
  }
}

/** When the last of a message's signatures says that it was made: a clock that was set back between two of them makes neither wrong. */
async function timeOf(message: string): Promise<Date> {
  const { readSignature } = await import('openpgp')
  const start = message.lastIndexOf('-----BEGIN PGP SIGNATURE-----')
  const { packets } = await readSignature({ armoredSignature: message.slice(start) })
  return new Date(Math.max(0, ...packets.map(({ created }) => created?.getTime() ?? 0)))
}

async function problemWith(
  signatures: VerifyMessageResult['signatures'],
  expected: readonly ExpectedSigner[],
): Promise<string | null> {
  if (signatures.length !== expected.length)
    return `It holds ${signatures.length} signatures, and ${expected.length} were to be made.`
  for (const [index, { verified, signature }] of signatures.entries()) {
    try {
      await verified
    } catch (error) {
      return `Signature ${index + 1} is not good: ${error instanceof Error ? error.message : String(error)}.`
    }
    const [packet] = (await signature).packets
    const issuer = packet?.issuerFingerprint ?? null
    const wanted = expected[index]?.signingFingerprint
    if (issuer === null || wanted === undefined || Buffer.compare(issuer, wanted) !== 0)
      return `Signature ${index + 1} is by another key than the one that was asked.`
  }
  return null
}

/** A batch signs with one key, and a certificate that was read keeps what was found out about its own signatures. */
const read = new Map<string, PublicKey>()
const keptCertificates = 16

async function certificates(expected: readonly ExpectedSigner[]): Promise<PublicKey[]> {
  const { readKey } = await import('openpgp')
  const keys: PublicKey[] = []
  for (const { certificate } of expected) {
    const name = createHash('sha256').update(certificate).digest('hex')
    const key = read.get(name) ?? (await readKey({ binaryKey: certificate }))
    if (read.size >= keptCertificates) read.clear()
    read.set(name, key)
    keys.push(key)
  }
  return keys
}

/** What a reader of a cleartext message gets (RFC 9580 §7.2): no blanks at line ends, and no line end after the last line. */
function signedText(text: string): string {
  const whole = text.endsWith('\n') ? text.slice(0, -1) : text
  return whole.split('\n').map(withoutBlanks).join('\n')
}

function withoutBlanks(line: string): string {
  let end = line.length
  while (end > 0 && ' \t\r'.includes(line.charAt(end - 1))) end -= 1
  return line.slice(0, end)
}

/** A byte order mark is a character of the text like any other. */
function decoded(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}
