import type { Failure } from '../../shared/failure.ts'
import type { KeyGeneration } from '../../shared/key-generation.ts'
import { ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { type StoredGeneration, shownGeneration } from '../keys/generation.repository.ts'
import type { TypedSecrets } from '../keys/key-maker.ts'
import type { Station } from '../station/station.ts'
import { changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

type Typed = { readonly pin: string; readonly officerPin: string | null; readonly useLastTry: boolean }

/** What was typed becomes bytes that can be wiped; the strings are the window's message and go with it. */
function secretsOf({ pin, officerPin, useLastTry }: Typed): TypedSecrets {
  return {
    pin: Secret.fromText(pin),
    officerPin: officerPin === null ? null : Secret.fromText(officerPin),
    useLastTry,
  }
}

/** A token has other keys than before, whatever came of it: the lists are read anew. */
async function changed(
  station: Station,
  made: Promise<Result<StoredGeneration, Failure>>,
): Promise<Result<KeyGeneration, Failure>> {
  const generation = await made
  station.keysChanged()
  if (!generation.ok) return generation
  await station.tokens.list({ refresh: true })
  const shown = shownGeneration(generation.value)
  if (shown === null) throw new Error('a generation is never null here')
  return ok(shown)
}

export function generationBindings(access: StationAccess) {
  const operator = (station: Station) => station.settings().operatorName
  return {
    'generation.abilities': bind('generation.abilities', ({ token }) =>
      reading(access, async ({ keyMaker }) => {
        const able = await keyMaker.abilities(token)
        return able.ok ? ok({ algorithms: [...able.value.algorithms], taken: [...able.value.taken] }) : able
      }),
    ),
    'generation.list': bind('generation.list', () =>
      reading(access, async ({ keyMaker }) =>
        ok((await keyMaker.list()).flatMap((each) => shownGeneration(each) ?? [])),
      ),
    ),
    'generation.begin': bind('generation.begin', ({ plan, ...typed }) =>
      changing(access, (station) =>
        changed(station, station.keyMaker.make({ plan, forRequest: null }, secretsOf(typed), operator(station))),
      ),
    ),
    'generation.continue': bind('generation.continue', ({ id, ...typed }) =>
      changing(access, (station) => changed(station, station.keyMaker.goOn(id, secretsOf(typed), operator(station)))),
    ),
    'generation.bring-certificate': bind('generation.bring-certificate', ({ id, certificatePem, ...typed }) =>
      changing(access, (station) =>
        changed(station, station.keyMaker.bring({ id, certificatePem }, secretsOf(typed), operator(station))),
      ),
    ),
    'generation.close': bind('generation.close', ({ id, note }) =>
      changing(access, async (station) => {
        const closed = await station.keyMaker.close(id, note, operator(station))
        if (closed.ok) station.keysChanged()
        return closed
      }),
    ),
    'generation.serve': bind('generation.serve', ({ requestId, sheetDigest, place }) =>
      changing(access, ({ desk }) =>
        desk.serve({
          requestId,
          sheetDigest,
          place:
            place.kind === 'software'
              ? place
              : place.kind === 'token'
                ? { kind: 'token', plan: place.plan, ...secretsOf(place) }
                : { kind: 'continue', ...secretsOf(place) },
        }),
      ),
    ),
  }
}
