import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { err, ok, type Result } from '../../../shared/result.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'

// C2SP signed-note v1: text, an empty line, signature lines. Nothing of a note is believed before one signature of a key that
// was known beforehand is verified.

/** More than the specification's 16; a note is one small text. */
export const maxNoteBytes = 64 * 1024
const maxSignatures = 64

/** Signature type bytes (signed-note, "Signature types"). */
export const noteKeyType = { ed25519: 0x01, cosignature: 0x04 } as const
export type NoteKeyType = (typeof noteKeyType)[keyof typeof noteKeyType]

/** A key that signatures of notes are checked with. */
export interface VerifierKey {
  readonly name: string
  /** SHA-256(name ‖ LF ‖ type ‖ public key), first 4 bytes. */
  readonly id: Uint8Array
  readonly type: NoteKeyType
  /** 32 bytes, RFC 8032 §5.1.5. */
  readonly publicKey: Uint8Array
}

export interface NoteSignature {
  readonly name: string
  readonly id: Uint8Array
  /** What follows the key's id. */
  readonly signature: Uint8Array
}

export interface Note {
  /** Up to and with its last line end: the bytes that are signed. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** Reads a note's form. The error is a sentence about what is wrong with it. */
export function parseNote(note: string): Result<Note, string> {
  if (Buffer.byteLength(note) > maxNoteBytes) return err(`the note is larger than ${maxNoteBytes} bytes`)
  if (!note.isWellFormed()) return err('the note is not valid Unicode')
  if (hasControl(note)) return err('the note has a control character')
  const blank = note.lastIndexOf('\n\n')
  if (blank === -1) return err('the note has no empty line before its signatures')
  if (!note.endsWith('\n')) return err('the note does not end with a line end')
  const text = note.slice(0, blank + 1)
  const lines = note.slice(blank + 2, -1).split('\n')
  if (lines.length > maxSignatures) return err(`the note has more than ${maxSignatures} signatures`)
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const parsed = parseSignatureLine(line)
    if (parsed === null) return err('a signature line of the note is malformed')
    signatures.push(parsed)
  }
  return ok({ text, signatures })
}

export function formatNote(note: Note): string {
  return `${note.text}\n${note.signatures.map(signatureLine).join('')}`
}

export function signatureLine({ name, id, signature }: NoteSignature): string {
  return `— ${name} ${encodeBase64(Buffer.concat([id, signature]))}\n`
}

function parseSignatureLine(line: string): NoteSignature | null {
  const [dash, name, base64, ...rest] = line.split(' ')
  if (dash !== '—' || name === undefined || base64 === undefined || rest.length > 0 || !isKeyName(name)) return null
  const bytes = decodeBase64(base64)
  if (bytes === null || bytes.length < 5) return null
  return { name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) }
}

/** Not empty, no Unicode space, no plus; a control character would break the line. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.length <= 400 && name.isWellFormed() && !/[\s+\u0085]/u.test(name) && !hasControl(name)
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0x20 && unit !== 0x0a) return true
  }
  return false
}

export function keyId(name: string, type: NoteKeyType, publicKey: Uint8Array): Uint8Array {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(type), publicKey]), 'buffer').subarray(
    0,
    4,
  )
}

export function verifierKey(name: string, type: NoteKeyType, publicKey: Uint8Array): VerifierKey {
  return { name, id: keyId(name, type, publicKey), type, publicKey }
}

/** `name+hash+base64`, as people hand it to each other. */
export function formatVerifierKey({ name, id, type, publicKey }: VerifierKey): string {
  return `${name}+${Buffer.from(id).toString('hex')}+${encodeBase64(Buffer.concat([Uint8Array.of(type), publicKey]))}`
}

/** Reads a vkey of the two Ed25519 types. The id in it must be the one that its key has. */
export function parseVerifierKey(vkey: string): Result<VerifierKey, string> {
  // Base64 may have a plus too: only the first two separate.
  const parts = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(vkey)
  if (parts === null) return err('a verifier key has the form name+hash+key')
  const [, name = '', id = '', material = ''] = parts
  if (!isKeyName(name)) return err('the name in the verifier key cannot be one')
  const bytes = decodeBase64(material)
  const type = [noteKeyType.ed25519, noteKeyType.cosignature].find((known) => known === bytes?.[0])
  if (bytes === null || type === undefined || bytes.length !== 33)
    return err('the verifier key is not an Ed25519 key of a log or a witness')
  const key = verifierKey(name, type, bytes.subarray(1))
  if (Buffer.from(key.id).toString('hex') !== id)
    return err('the verifier key is damaged: its hash is not that of its key')
  return ok(key)
}

/** Same name and same id: this line claims to be by this key. */
export function isBy(signature: NoteSignature, key: VerifierKey): boolean {
  return signature.name === key.name && Buffer.compare(signature.id, key.id) === 0
}

/** `absent`: no line claims to be by the key. One line that claims it and does not verify spoils the note. */
export type SignatureVerdict = 'verified' | 'absent' | 'wrong'

/** Ed25519 signature (type 0x01) of `key` over the note's text. Lines of other keys are not looked at. */
export function verifyNote(note: Note, key: VerifierKey): SignatureVerdict {
  const claimed = note.signatures.filter((signature) => isBy(signature, key))
  if (claimed.length === 0) return 'absent'
  const text = Buffer.from(note.text)
  return claimed.every(({ signature }) => verifyEd25519(key, text, signature)) ? 'verified' : 'wrong'
}

/** DER of a SubjectPublicKeyInfo for Ed25519 up to the key itself (RFC 8410 §4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')
const keyObjects = new WeakMap<VerifierKey, KeyObject>()

export function verifyEd25519(key: VerifierKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || key.publicKey.length !== 32) return false
  let object = keyObjects.get(key)
  if (object === undefined) {
    object = createPublicKey({ key: Buffer.concat([spkiPrefix, key.publicKey]), format: 'der', type: 'spki' })
    keyObjects.set(key, object)
  }
  return verify(null, message, object, signature)
}

/** A verifier key of a witness: what it signs are cosignatures. */
export function isWitnessKey(vkey: string): boolean {
  const key = parseVerifierKey(vkey)
  return key.ok && key.value.type === noteKeyType.cosignature
}
