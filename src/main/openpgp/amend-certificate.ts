import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { certifyUserId, describing, type RevocationReason, revokeKey, signDirectKey } from './certificate.ts'
import { concatBytes, framedPackets, packetTag } from './packet.ts'
import type { OpenPgpSigner } from './signer.ts'

// New self-signatures are put behind those that are there: the newest counts (RFC 9580 §5.2.3.10), and who has older ones merges them.

export interface Extension {
  /** Packets. */
  readonly certificate: Uint8Array
  readonly primary: OpenPgpSigner
  /** Bodies of the user ids that are certified anew. Others that stand in it were never the key’s, or are revoked. */
  readonly userIds: readonly Uint8Array[]
  /** What the primary key is for, as it was. */
  readonly flags: number
  /** Seconds since 1970. */
  readonly created: number
  /** Seconds after the key's creation; null: for ever. */
  readonly expiresAfter: number | null
}

/** The certificate with another end: its user ids are certified anew, and a version 6 key says it of itself. */
export async function extendCertificate(extension: Extension): Promise<Result<Uint8Array, Failure>> {
  const { certificate, primary, userIds, flags, created, expiresAfter } = extension
  const packets = framedPackets(certificate)
  if (packets === null) return err(unframed)
  const described = describing(flags, expiresAfter)
  const parts: Uint8Array[] = []
  for (const [index, { tag, body, whole }] of packets.entries()) {
    parts.push(whole)
    const made =
      index === 0 && primary.key.version === 6
        ? await signDirectKey(primary, created, described)
        : tag === packetTag.userId && userIds.some((id) => Buffer.compare(id, body) === 0)
          ? await certifyUserId(primary, body, created, described)
          : null
    if (made?.ok === false) return made
    if (made !== null) parts.push(made.value)
  }
  return ok(concatBytes(...parts))
}

/** The certificate with a revocation of its primary key. */
export async function revokeCertificate(
  { certificate, primary, created }: Pick<Extension, 'certificate' | 'primary' | 'created'>,
  reason: RevocationReason,
  text: string,
): Promise<Result<Uint8Array, Failure>> {
  const packets = framedPackets(certificate)
  const [first, ...rest] = packets ?? []
  if (first === undefined) return err(unframed)
  const revocation = await revokeKey(primary, created, reason, text)
  if (!revocation.ok) return revocation
  return ok(concatBytes(first.whole, revocation.value, ...rest.map(({ whole }) => whole)))
}

const unframed: Failure = {
  kind: 'invalid',
  code: 'certificate-unreadable',
  message: 'The stored certificate cannot be taken apart. Nothing was signed, and nothing was changed.',
}
