import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { exportKeys } from '../keys/export-keys.ts'
import { importKeys } from '../keys/import-keys.ts'
import { judgeDump } from '../keys/import-preview.ts'
import { reencryptKeys } from '../keys/reencrypt-keys.ts'
import { addServiceKey, listServiceKeys, type ServiceKeyPorts } from '../keys/service-key-desk.ts'
import type { Station } from '../station/station.ts'
import { answered, changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

const busy: Failure = {
  kind: 'refused',
  code: 'keys-busy',
  message: 'The software keys are being worked on already. Wait until that has ended, or stop it.',
}

export function softwareKeyBindings(
  access: StationAccess,
  publish: <E extends EventName>(event: E, payload: EventPayload<E>) => void,
  now: () => Date,
) {
  /** What changes many records runs alone. */
  let running: AbortController | null = null
  async function alone<T>(work: (signal: AbortSignal) => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
    if (running !== null) return err(busy)
    const mine = new AbortController()
    running = mine
    try {
      return await work(mine.signal)
    } finally {
      running = null
    }
  }

  return {
    'keys.service-list': bind('keys.service-list', () =>
      reading(access, (station) => listServiceKeys(portsOf(station, now))),
    ),
    'keys.service-make': bind('keys.service-make', () =>
      changing(access, (station) =>
        alone(async () => {
          const made = await addServiceKey(portsOf(station, now), station.settings().operatorName)
          if (made.ok) station.keysChanged()
          return made
        }),
      ),
    ),
    'keys.reencrypt': bind('keys.reencrypt', () =>
      changing(access, (station) =>
        alone(async (signal) => {
          const done = await reencryptKeys(portsOf(station, now), {
            operator: station.settings().operatorName,
            // A log that is found wrong meanwhile ends it.
            onProgress: (progress) => {
              publish('keys.reencrypt-progress', progress)
              if (station.logState.kind !== 'whole') running?.abort()
            },
            signal,
          })
          station.keysChanged()
          return done.ok ? ok({ ...done.value, kept: done.value.kept.map(withoutDetail) }) : done
        }),
      ),
    ),
    'keys.import-preview': bind('keys.import-preview', ({ path }) =>
      reading(access, (station) =>
        alone(async (signal) => {
          const judged = await judgeDump(portsOf(station, now), path, signal)
          return judged.ok ? ok({ ...judged.value.preview, rows: [...judged.value.preview.rows] }) : judged
        }),
      ),
    ),
    'keys.import': bind('keys.import', ({ path, dumpSha256 }) =>
      changing(access, (station) =>
        alone(async (signal) => {
          const done = await importKeys(portsOf(station, now), {
            path,
            dumpSha256,
            operator: station.settings().operatorName,
            onProgress: (progress) => {
              publish('keys.import-progress', progress)
              if (station.logState.kind !== 'whole') running?.abort()
            },
            signal,
          })
          station.keysChanged()
          return done.ok ? ok({ ...done.value, failed: done.value.failed.map(withoutDetail) }) : done
        }),
      ),
    ),
    'keys.import-stop': bind('keys.import-stop', async () => {
      running?.abort()
      return answered(ok(null))
    }),
    'keys.export-software': bind('keys.export-software', () =>
      changing(access, (station) =>
        alone(() =>
          exportKeys(portsOf(station, now), {
            folder: station.profile.exports,
            operator: station.settings().operatorName,
          }),
        ),
      ),
    ),
    'keys.reencrypt-stop': bind('keys.reencrypt-stop', async () => {
      running?.abort()
      return answered(ok(null))
    }),
  }
}

function portsOf(station: Station, now: () => Date): ServiceKeyPorts & { readonly tokens: Station['tokens'] } {
  const { database, audit, tokens, profile } = station
  return { db: database.db, audit, tokens, folder: profile.serviceKeys, logKeyPath: profile.logKey, now }
}

/** As it may leave main: `detail` is for the log. */
function withoutDetail({
  name,
  failure: { kind, code, message },
}: {
  readonly name: string
  readonly failure: Failure
}) {
  return { name, failure: { kind, code, message } }
}
