import type { CeremonyDevice, CeremonyKey, CeremonyPerson, CeremonyRecord, StepState } from '../../shared/ceremony.ts'
import type { CeremonyScript } from '../../shared/ceremony-script.ts'

// What the records of a ceremony add up to: pure. The records are all that is known, so that a station that stopped goes on from them.

/** Where each step is, in the script's order. */
export function stepStates(script: CeremonyScript, records: readonly CeremonyRecord[]): StepState[] {
  return script.steps.map(({ id }) => records.reduce((state, record) => next(state, record, id), waiting))
}

const waiting: StepState = { kind: 'waiting' }

function next(state: StepState, record: CeremonyRecord, id: string): StepState {
  if (!('step' in record) || record.step !== id) return state
  const at = state.kind === 'begun' ? state.at : record.at
  switch (record.event) {
    case 'ceremony-step-begun':
      return {
        kind: 'begun',
        at,
        attempt: record.attempt,
        failure: state.kind === 'begun' ? state.failure : null,
        intended: state.kind === 'begun' ? state.intended : null,
      }
    case 'ceremony-act-intended':
      return state.kind === 'begun' ? { ...state, intended: record.act } : state
    case 'ceremony-step-failed':
      return state.kind === 'begun' ? { ...state, failure: { code: record.code, message: record.message } } : state
    case 'ceremony-step-ended':
      return { kind: 'done', startedAt: at, endedAt: record.at, result: record.result }
    case 'ceremony-deviation':
      return record.effect === 'skipped'
        ? { kind: 'skipped', at: record.at, by: record.by, reason: record.reason }
        : state
  }
}

/** The first step that is neither done nor skipped; null: there is none. Nothing else can be begun. */
export function stepNow(states: readonly StepState[]): number | null {
  const index = states.findIndex(({ kind }) => kind === 'waiting' || kind === 'begun')
  return index < 0 ? null : index
}

export function deviationsIn(records: readonly CeremonyRecord[]): number {
  return records.filter(({ event }) => event === 'ceremony-deviation').length
}

function results(records: readonly CeremonyRecord[]) {
  return records.flatMap((record) => (record.event === 'ceremony-step-ended' ? [record.result] : []))
}

/** The device of that name; null: its step was skipped. */
export function deviceNamed(records: readonly CeremonyRecord[], name: string): CeremonyDevice | null {
  return results(records).findLast(({ device }) => device?.name === name)?.device ?? null
}

/** The key of that name, as the last step that knew more of it says. */
export function keyNamed(records: readonly CeremonyRecord[], name: string): CeremonyKey | null {
  return results(records).findLast(({ key }) => key?.name === name)?.key ?? null
}

export function peopleIn(records: readonly CeremonyRecord[]): readonly CeremonyPerson[] {
  return results(records).flatMap(({ people }) => people ?? [])
}
