import type { AuditEntryBody } from '../format/entry.ts'

/** A registered key as the device knows it. `objectId`: its CKA_ID where that is two bytes, as yubihsm_pkcs11 makes it. */
export interface RegisteredKey {
  readonly fingerprint: string
  readonly spkiSha256: string
  readonly objectId: number | null
}

/**
 * What the audit log says that the token did. `in-doubt`: it may have signed. `refused`: it signed nothing. `withdrawn`: it was
 * never asked.
 */
export type Said = 'signed' | 'in-doubt' | 'refused' | 'withdrawn'

/** One use of a key on the device (docs/formats/device-log.md §5). */
export interface KeyUse {
  /** The entry that was on disk before the token was asked. */
  readonly seq: number
  readonly event: 'intent' | 'possession-challenged' | 'key-generated' | 'certificate-intended'
  /** Null: no registered key with an object id. */
  readonly objectId: number | null
  /** An entry that was written after the token had answered, or could not answer any more. Null: there is none yet. */
  readonly endSeq: number | null
  readonly said: Said
}

/** Of an entry only what makes or ends a use is looked at; entries come in their order. */
export interface UseReader {
  read(seq: number, body: AuditEntryBody): void
  uses(): readonly KeyUse[]
}

/** Of an intent that was written ahead and never sent; of one for a key beside others whose session had ended before. */
const neverSent: ReadonlySet<string> = new Set(['cancelled', 'session-ended'])

type Open = { -readonly [Member in keyof KeyUse]: KeyUse[Member] }

export function createUseReader(deviceSerial: string, keys: readonly RegisteredKey[]): UseReader {
  const uses: Open[] = []
  /** Without an end. */
  const open = new Map<number, Open>()
  const intents = new Map<number, Open>()
  const challenges = new Map<string, Open>()
  const generated = new Map<string, Open>()
  const byFingerprint = new Map(keys.map((key) => [key.fingerprint, key.objectId]))
  const bySpki = new Map(keys.map((key) => [key.spkiSha256, key.objectId]))

  function begin(seq: number, event: KeyUse['event'], objectId: number | null | undefined): Open {
    const use: Open = { seq, event, objectId: objectId ?? null, endSeq: null, said: 'in-doubt' }
    uses.push(use)
    open.set(seq, use)
    return use
  }
  function end(use: Open | undefined, seq: number, said?: Said): void {
    if (use === undefined) return
    use.endSeq ??= seq
    if (said !== undefined) use.said = said
    open.delete(use.seq)
  }
  function settle(intentSeq: number, seq: number, said: Said): void {
    end(intents.get(intentSeq), seq, said)
    intents.delete(intentSeq)
  }

  return {
    read(seq, body) {
      switch (body.event) {
        case 'intent':
          if (body.tokenSerial === deviceSerial)
            intents.set(seq, begin(seq, 'intent', byFingerprint.get(body.fingerprint)))
          return
        case 'signed':
          settle(body.intentSeq, seq, 'signed')
          return
        case 'sign-failed':
          if (body.signatureMayExist) settle(body.intentSeq, seq, 'in-doubt')
          else settle(body.intentSeq, seq, neverSent.has(body.code) ? 'withdrawn' : 'refused')
          return
        case 'possession-challenged':
          if (body.tokenSerial !== deviceSerial) return
          // A key is challenged again when the challenge before came to nothing.
          end(challenges.get(body.fingerprint), seq)
          challenges.set(body.fingerprint, begin(seq, 'possession-challenged', byFingerprint.get(body.fingerprint)))
          return
        case 'key-generated':
          if (body.tokenSerial === deviceSerial)
            generated.set(body.spkiSha256, begin(seq, 'key-generated', bySpki.get(body.spkiSha256)))
          return
        case 'certificate-intended':
          if (body.tokenSerial !== deviceSerial) return
          // What it was to sign before came to nothing.
          end(generated.get(body.spkiSha256), seq)
          generated.set(body.spkiSha256, begin(seq, 'certificate-intended', bySpki.get(body.spkiSha256)))
          return
        case 'key-registered':
          // A key is registered only when what it signed was verified.
          end(challenges.get(body.fingerprint), seq, 'signed')
          challenges.delete(body.fingerprint)
          end(generated.get(body.spkiSha256), seq, 'signed')
          generated.delete(body.spkiSha256)
          return
        case 'openpgp-subkey-bound':
          // The certificate is there only when what the primary key signed was verified.
          end(generated.get(body.primarySpkiSha256), seq, 'signed')
          generated.delete(body.primarySpkiSha256)
          return
        case 'incident-opened':
          for (const intentSeq of body.openIntents) end(intents.get(intentSeq), seq)
          return
        case 'station-started':
          // The token's process ends with the station's.
          for (const use of open.values()) end(use, seq)
          return
        default:
          return
      }
    },
    uses: () => uses,
  }
}

/** The object that a CKA_ID names: yubihsm_pkcs11 gives the object id, two bytes. Null: somebody set another CKA_ID. */
export function objectIdOf(ckaId: string | null): number | null {
  return ckaId !== null && /^[0-9a-f]{4}$/i.test(ckaId) ? Number.parseInt(ckaId, 16) : null
}
