import type { Failure } from '../../shared/failure.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import { err, ok } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { createSoftwareKey } from '../keys/create-software-key.ts'
import { registerOpenPgpKey } from '../keys/openpgp/register-openpgp.ts'
import { registerKey } from '../keys/register-key.ts'
import { makeAssetByHand } from '../requests/hand-asset.ts'
import { answered, changing, reading, type StationAccess } from './answers.ts'
import { attestationPorts } from './attestation.handlers.ts'
import { bind } from './router.ts'

const notFound: Failure = {
  kind: 'defect',
  code: 'key-not-found',
  message: 'The key was registered but cannot be read back. Look at the log.',
}

function withoutDetail(problem: Failure | null): Failure | null {
  const answer = problem === null ? null : answered<null>(err(problem))
  return answer === null || answer.ok ? null : answer.error
}

export function keyBindings(access: StationAccess, now: () => Date) {
  return {
    'tokens.list': bind('tokens.list', ({ refresh }) =>
      reading(access, async (station) => {
        const { tokens, modules } = await station.tokens.list({ refresh })
        if (refresh) station.keysChanged()
        return ok({
          tokens: tokens.map(({ token, objects, mechanisms, problem }) => ({
            token,
            objects: [...objects],
            mechanisms: [...mechanisms],
            problem: withoutDetail(problem),
          })),
          modules: modules.map(({ path, problem }) => ({ path, problem: withoutDetail(problem) })),
        })
      }),
    ),
    'tokens.device-logs': bind('tokens.device-logs', () =>
      reading(access, async ({ runLogs }) =>
        ok((await runLogs.states()).map((state) => ({ ...state, problem: withoutDetail(state.problem) }))),
      ),
    ),
    'keys.list': bind('keys.list', () => reading(access, async ({ keys }) => ok([...(await keys.list())]))),
    'keys.register': bind('keys.register', ({ pin, ...input }) =>
      changing(access, async (station) => {
        const register = isOpenPgp(input.purpose) ? registerOpenPgpKey : registerKey
        const registered = await register(
          attestationPorts(station, now),
          { ...input, pin: Secret.fromText(pin) },
          station.settings().operatorName,
        )
        if (!registered.ok) return registered
        station.keysChanged()
        const key = await station.keys.find(input.purpose, registered.value)
        return key === null ? err(notFound) : ok(key)
      }),
    ),
    'keys.create-software': bind('keys.create-software', ({ description }) =>
      changing(access, async (station) => {
        const ports = { db: station.database.db, audit: station.audit, tokens: station.tokens, now }
        const created = await createSoftwareKey(ports, description, station.settings().operatorName)
        if (!created.ok) return created
        station.keysChanged()
        const key = await station.keys.find('uefi', created.value)
        return key === null ? err(notFound) : ok(key)
      }),
    ),
    'keys.create-asset': bind('keys.create-asset', ({ workspace, ...of }) =>
      changing(access, ({ database, audit, settings, profile }) =>
        makeAssetByHand(
          { db: database.db, audit, settings: settings(), userTokenFile: profile.userToken, now },
          of,
          workspace,
        ),
      ),
    ),
    'keys.set-state': bind('keys.set-state', ({ purpose, fingerprint, state }) =>
      changing(access, async (station) => {
        const changed = await station.keys.setState({ purpose, fingerprint }, state, station.settings().operatorName)
        if (changed.ok) station.keysChanged()
        return changed
      }),
    ),
  }
}
