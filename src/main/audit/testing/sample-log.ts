import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { auditSeq, sha256Hex } from '../../../shared/ids.ts'
import { hex } from '../bytes.ts'
import { checkpointText, signedCheckpoint } from '../format/checkpoint.ts'
import { cosignedMessage } from '../format/cosignature.ts'
import { encodeEntry, leafHash, noLeafHash } from '../format/encode.ts'
import type { AuditEntryBody } from '../format/entry.ts'
import { growTree } from '../format/merkle.ts'
import { noteKeyType, signatureLine, type VerifierKey, verifierKey } from '../format/signed-note.ts'

/** A key made from a word: the same in each run, so that a documented sample can be checked byte for byte. */
export interface SampleKey {
  readonly key: VerifierKey
  readonly sign: (message: Uint8Array) => Uint8Array
  readonly privateKey: KeyObject
}

export const sampleOrigin = 'station.example.org/signing-log/0f1e2d3c4b5a6978'

export function sampleKey(
  word = 'log',
  name = sampleOrigin,
  type: VerifierKey['type'] = noteKeyType.ed25519,
): SampleKey {
  const seed = createHash('sha256').update(`sample ${word} key`).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    key: verifierKey(name, type, spki.subarray(-32)),
    sign: (message) => sign(null, message, privateKey),
    privateKey,
  }
}

export interface SampleLog {
  readonly entries: readonly Buffer[]
  readonly leaves: readonly Uint8Array[]
}

/** A chain of entries, a second apart. */
export function sampleLog(bodies: readonly AuditEntryBody[]): SampleLog {
  const entries: Buffer[] = []
  const leaves: Uint8Array[] = []
  for (const [index, body] of bodies.entries()) {
    const at = new Date(Date.parse('2026-01-02T03:04:05.678Z') + index * 1000).toISOString()
    const prev = sha256Hex.parse(hex(leaves.at(-1) ?? noLeafHash))
    const entry = Buffer.from(encodeEntry({ seq: auditSeq.parse(index + 1), at, prev }, body))
    entries.push(entry)
    leaves.push(leafHash(entry))
  }
  return { entries, leaves }
}

export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const tree = growTree()
  for (const leaf of leaves) tree.add(0, leaf)
  return tree.root()
}

/** The signed checkpoint of the first `size` leaves. */
export function sampleCheckpoint(leaves: readonly Uint8Array[], size = leaves.length, by = sampleKey()): string {
  const checkpoint = { origin: by.key.name, size, root: rootOf(leaves.slice(0, size)), extensions: [] }
  return signedCheckpoint(checkpoint, by.key, by.sign(Buffer.from(checkpointText(checkpoint))))
}

export function cosign(checkpoint: string, witness: SampleKey, time: number): string {
  const text = checkpoint.slice(0, checkpoint.lastIndexOf('\n\n') + 1)
  const stamp = Buffer.alloc(8)
  stamp.writeBigUInt64BE(BigInt(time))
  const signature = Buffer.concat([stamp, witness.sign(cosignedMessage(text, BigInt(time)))])
  return signatureLine({ name: witness.key.name, id: witness.key.id, signature })
}
