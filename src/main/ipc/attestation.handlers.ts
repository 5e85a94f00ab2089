import { ok } from '../../shared/result.ts'
import { type AttestationPorts, attestAgain, attestFromFiles } from '../keys/attestation/attest-key.ts'
import { listAttestations } from '../keys/attestation/attestation.repository.ts'
import { addRoots, listRoots, readOfferedRoots, withdrawRoot } from '../keys/attestation/operator-roots.ts'
import { readSources } from '../keys/attestation/read-files.ts'
import type { Station } from '../station/station.ts'
import type { TokenService } from '../token/token-service.ts'
import { changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

/** What registering and attesting a key work with. */
export function attestationPorts(
  station: Station,
  now: () => Date,
): AttestationPorts & { readonly tokens: TokenService } {
  const { database, audit, tokens, shippedRoots } = station
  return { db: database.db, audit, tokens, shippedRoots, now }
}

export function attestationBindings(access: StationAccess, now: () => Date) {
  return {
    'keys.attestations': bind('keys.attestations', () =>
      reading(access, async ({ database }) => ok([...(await listAttestations(database.db))])),
    ),
    'keys.attest': bind('keys.attest', (name) =>
      changing(access, async (station) => {
        const attested = await attestAgain(attestationPorts(station, now), name, station.settings().operatorName)
        if (attested.ok) station.keysChanged()
        return attested
      }),
    ),
    'keys.import-attestation': bind('keys.import-attestation', ({ purpose, fingerprint, ...source }) =>
      changing(access, async (station) => {
        const files = await readSources(source)
        if (!files.ok) return files
        const operator = station.settings().operatorName
        const attested = await attestFromFiles(
          attestationPorts(station, now),
          { purpose, fingerprint },
          { files: files.value, operator },
        )
        if (attested.ok) station.keysChanged()
        return attested
      }),
    ),
    'roots.list': bind('roots.list', () =>
      reading(access, async (station) => ok(await listRoots(attestationPorts(station, now)))),
    ),
    'roots.read': bind('roots.read', (source) =>
      reading(access, async () => {
        const files = await readSources(source)
        return files.ok ? readOfferedRoots(files.value) : files
      }),
    ),
    'roots.add': bind('roots.add', ({ device, confirmed, ...source }) =>
      changing(access, async (station) => {
        const files = await readSources(source)
        if (!files.ok) return files
        const wanted = { sources: files.value, device, confirmed }
        return addRoots(attestationPorts(station, now), wanted, station.settings().operatorName)
      }),
    ),
    'roots.withdraw': bind('roots.withdraw', (of) =>
      changing(access, (station) => withdrawRoot(attestationPorts(station, now), of, station.settings().operatorName)),
    ),
  }
}
