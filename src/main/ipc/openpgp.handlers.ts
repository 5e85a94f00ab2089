import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint } from '../../shared/ids.ts'
import type { RegisteredKey } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { certifyTokenKey } from '../keys/openpgp/certify-token-key.ts'
import { bringOpenPgp, extendOpenPgp, revokeOpenPgp } from '../keys/openpgp/change-certificate.ts'
import type { Station } from '../station/station.ts'
import { changing, type StationAccess } from './answers.ts'
import { attestationPorts } from './attestation.handlers.ts'
import { bind } from './router.ts'

/** The certificates of OpenPGP keys: made by the key, extended, revoked, brought. */
export function openPgpBindings(access: StationAccess, now: () => Date) {
  const operator = (station: Station) => station.settings().operatorName
  const typed = ({ pin, useLastTry }: { readonly pin: string; readonly useLastTry: boolean }) => ({
    pin: Secret.fromText(pin),
    useLastTry,
  })
  return {
    'keys.certify-openpgp': bind('keys.certify-openpgp', ({ pin, useLastTry, subkey, ...input }) =>
      changing(access, async (station) => {
        const secrets = {
          ...typed({ pin, useLastTry }),
          ...(subkey === undefined
            ? {}
            : { subkey: { ...subkey, pin: subkey.pin === null ? null : Secret.fromText(subkey.pin) } }),
        }
        const ports = { ...attestationPorts(station, now), tokens: station.tokens }
        const made = await certifyTokenKey(ports, { ...input, ...secrets }, operator(station))
        return made.ok ? shown(station, input.purpose, made.value) : made
      }),
    ),
    'keys.extend-openpgp': bind('keys.extend-openpgp', ({ pin, useLastTry, ...name }) =>
      changing(access, (station) => {
        const secrets = typed({ pin, useLastTry })
        return after(station, name, extendOpenPgp(attestationPorts(station, now), name, secrets, operator(station)))
      }),
    ),
    'keys.revoke-openpgp': bind('keys.revoke-openpgp', ({ pin, useLastTry, ...name }) =>
      changing(access, (station) => {
        const secrets = typed({ pin, useLastTry })
        return after(station, name, revokeOpenPgp(attestationPorts(station, now), name, secrets, operator(station)))
      }),
    ),
    'keys.bring-openpgp': bind('keys.bring-openpgp', (name) =>
      changing(access, (station) =>
        after(station, name, bringOpenPgp(attestationPorts(station, now), name, operator(station))),
      ),
    ),
  }
}

async function after(
  station: Station,
  { purpose, fingerprint }: { readonly purpose: string; readonly fingerprint: Fingerprint },
  change: Promise<Result<null, Failure>>,
): Promise<Result<RegisteredKey, Failure>> {
  const changed = await change
  return changed.ok ? shown(station, purpose, fingerprint) : changed
}

async function shown(
  station: Station,
  purpose: string,
  fingerprint: Fingerprint,
): Promise<Result<RegisteredKey, Failure>> {
  station.keysChanged()
  const key = await station.keys.find(purpose, fingerprint)
  return key === null ? err(notFound) : ok(key)
}

const notFound: Failure = {
  kind: 'defect',
  code: 'key-not-found',
  message: 'The key cannot be read back. Look at the log.',
}
