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
        const enrolled = await station.link.enrol(activationToken === null ? null : Secret.fromText(activationToken))
        if (!enrolled.ok) return enrolled
        const { apiUrl, fqdn, how } = enrolled.value
        if (how === 'known') return ok(null)
        return station.note([
          {
            event: 'enrolled',
            server: apiUrl,
            fqdn,
            method: activationToken === null ? 'registration' : 'activation-token',
          },
        ])
      }),
    ),
    'server.set-user-token': bind('server.set-user-token', ({ token }) =>
      changing(access, async (station) => {
        if (token === null) removeSecretFile(station.profile.userToken)
        else writeSecretFile(station.profile.userToken, token)
        onStatus()
        return ok(null)
      }),
    ),
    'duty.set': bind('duty.set', ({ onDuty }) => changing(access, (station) => station.setDuty(onDuty))),
  }
}
