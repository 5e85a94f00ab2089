import { ok } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { removeSecretFile, writeSecretFile } from '../config/secret-file.ts'
import { changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

export function settingsBindings(access: StationAccess, onStatus: () => void) {
  return {
    'settings.get': bind('settings.get', () => reading(access, async (station) => ok(station.settings()))),
    'settings.set': bind('settings.set', (input) => changing(access, (station) => station.saveSettings(input))),
    'server.enrol': bind('server.enrol', ({ activationToken }) =>
      changing(access, async (station) => {
        const method = activationToken === null ? 'registration' : 'activation-token'
        const { operatorName: operator } = station.settings()
        const enrolled = await station.link.enrol(
          activationToken === null ? null : Secret.fromText(activationToken),
          ({ apiUrl: server, fqdn }) => station.note([{ event: 'enrolment-begun', server, fqdn, method, operator }]),
        )
        if (!enrolled.ok) return enrolled
        const { apiUrl: server, fqdn, how } = enrolled.value
        if (how === 'known') return ok(null)
        return station.note([{ event: 'enrolled', server, fqdn, method: how === 'found' ? 'earlier-attempt' : method }])
      }),
    ),
    'server.set-user-token': bind('server.set-user-token', ({ token }) =>
      changing(access, async (station) => {
        const noted = await station.note([
          { event: 'user-token-set', set: token !== null, operator: station.settings().operatorName },
        ])
        if (!noted.ok) return noted
        if (token === null) removeSecretFile(station.profile.userToken)
        else writeSecretFile(station.profile.userToken, token)
        onStatus()
        return ok(null)
      }),
    ),
    'duty.set': bind('duty.set', ({ onDuty }) => changing(access, (station) => station.setDuty(onDuty))),
  }
}
