import { createHash } from 'node:crypto'
import { certifyTokenKey } from '../../src/main/keys/openpgp/certify-token-key.ts'
import { type Fingerprint, sha256Hex } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import { planFor, typed } from '../devices/testing/generation-bench.ts'
import { benchPin, type DeskBench, orThrow } from './desk-bench.ts'

export interface OpenPgpKey {
  readonly fingerprint: Fingerprint
  readonly certificate: string
}

const userId = 'Example Archive <archive@example.org>'

/** Has a key of the bench's token make its OpenPGP certificate, and tells the server of it. */
export async function registerOpenPgp(
  bench: DeskBench,
  ckaId: string,
  purpose: 'openpgp' | 'openpgp-repository',
  pin = benchPin,
  token = bench.tokenId,
): Promise<OpenPgpKey> {
  const { database, audit, tokens, shippedRoots } = bench.station
  const spki = orThrow(await tokens.readPublicKey(token, ckaId))
  const fingerprint = orThrow(
    await certifyTokenKey(
      { db: database.db, audit, tokens, shippedRoots, now: () => new Date() },
      {
        purpose,
        token,
        ckaId,
        description: `Key for ${purpose}`,
        production: false,
        plan: { userId, days: null },
        spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')),
        pin: Secret.fromText(pin),
        useLastTry: false,
      },
      'Release Manager',
    ),
  )
  return known(bench, purpose, fingerprint)
}

/** Has the token make a new key: where it shows its keys to nobody who has not logged in, there is no other way. */
export async function generateOpenPgp(bench: DeskBench, ckaId: string, pin: string): Promise<OpenPgpKey> {
  const purpose = 'openpgp-repository'
  const plan = planFor(bench.tokenId, ckaId, {
    purpose,
    description: `Key for ${purpose}`,
    certificate: { kind: 'openpgp', userId, days: null },
  })
  const made = orThrow(await bench.station.keyMaker.make({ plan, forRequest: null }, typed(pin), 'Release Manager'))
  if (made.fingerprint === null) throw new Error(`the key is ${made.state}`)
  return known(bench, purpose, made.fingerprint)
}

async function known(bench: DeskBench, purpose: string, fingerprint: Fingerprint): Promise<OpenPgpKey> {
  bench.server.addKey({ purpose, fingerprint })
  const row = await bench.station.database.db
    .selectFrom('openpgp_certificate')
    .select('certificate')
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirstOrThrow()
  return { fingerprint, certificate: row.certificate }
}
