import { createHash } from 'node:crypto'
import { certifyTokenKey } from '../../src/main/keys/openpgp/certify-token-key.ts'
import { type Fingerprint, sha256Hex } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import { benchPin, type DeskBench, orThrow } from './desk-bench.ts'

/** Has a key of the bench's token make its OpenPGP certificate, and tells the server of it. */
export async function registerOpenPgp(
  bench: DeskBench,
  ckaId: string,
  purpose: 'openpgp' | 'openpgp-repository',
  token = bench.tokenId,
  pin = benchPin,
): Promise<{ readonly fingerprint: Fingerprint; readonly certificate: string }> {
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
        plan: { userId: 'Example Archive <archive@example.org>', days: null },
        spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')),
        pin: Secret.fromText(pin),
        useLastTry: false,
      },
      'Release Manager',
    ),
  )
  bench.server.addKey({ purpose, fingerprint })
  const row = await database.db
    .selectFrom('openpgp_certificate')
    .select('certificate')
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirstOrThrow()
  return { fingerprint, certificate: row.certificate }
}
