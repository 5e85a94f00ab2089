import type { CeremonyDetail } from '../../shared/ceremony.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { Station } from '../station/station.ts'
import { answered, changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

const noSuchCeremony: Failure = {
  kind: 'invalid',
  code: 'no-such-ceremony',
  message: 'There is no such ceremony at this station.',
}

export function ceremonyBindings(access: StationAccess) {
  const operator = (station: Station) => station.settings().operatorName
  const secret = (text: string | null) => (text === null ? null : Secret.fromText(text))
  return {
    'ceremony.scripts': bind('ceremony.scripts', () =>
      reading(access, async ({ ceremonies }) =>
        ok(
          (await ceremonies.scripts()).map(({ name, script, problem }) => {
            const shown = problem === null ? null : answered<null>(err(problem))
            return { name, script, problem: shown?.ok === false ? shown.error : null }
          }),
        ),
      ),
    ),
    'ceremony.read-script': bind('ceremony.read-script', ({ source }) =>
      reading(access, ({ ceremonies }) => ceremonies.read(source)),
    ),
    'ceremony.plan': bind('ceremony.plan', ({ source, parameters }) =>
      reading(access, ({ ceremonies }) => ceremonies.plan(source, parameters)),
    ),
    'ceremony.begin': bind('ceremony.begin', ({ source, parameters, planSha256 }) =>
      changing(access, async (station) => {
        const begun = await station.ceremonies.begin(source, parameters, planSha256, operator(station))
        return begun.ok ? ok({ id: begun.value }) : begun
      }),
    ),
    'ceremony.list': bind('ceremony.list', () =>
      reading(access, async ({ ceremonies }) => ok([...(await ceremonies.list())])),
    ),
    'ceremony.show': bind('ceremony.show', ({ id }) =>
      reading(access, async ({ ceremonies }): Promise<Result<CeremonyDetail, Failure>> => {
        const detail = await ceremonies.show(id)
        return detail === null ? err(noSuchCeremony) : ok(detail)
      }),
    ),
    'ceremony.start-step': bind('ceremony.start-step', ({ id, step }) =>
      changing(access, (station) => station.ceremonies.startStep(id, step, operator(station))),
    ),
    'ceremony.finish-step': bind('ceremony.finish-step', ({ id, step, input, pin, officerPin, useLastTry }) =>
      changing(access, (station) =>
        station.ceremonies.finishStep(
          id,
          { step, input },
          { pin: secret(pin), officerPin: secret(officerPin), useLastTry },
          operator(station),
        ),
      ),
    ),
    'ceremony.deviate': bind('ceremony.deviate', (deviation) =>
      changing(access, (station) => station.ceremonies.deviate(deviation, operator(station))),
    ),
    'ceremony.end': bind('ceremony.end', ({ id, outcome }) =>
      changing(access, (station) => station.ceremonies.end(id, outcome, operator(station))),
    ),
    'ceremony.save-evidence': bind('ceremony.save-evidence', ({ id }) =>
      changing(access, async ({ ceremonies }) => {
        const saved = await ceremonies.saveEvidence(id)
        return saved.ok ? ok({ ...saved.value, backups: [...saved.value.backups] }) : saved
      }),
    ),
  }
}
