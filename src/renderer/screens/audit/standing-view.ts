import type { StationStatus } from '../../../shared/status.ts'
import { count, plainNumber, relative } from '../../parts/format.ts'

export type StandingView = {
  readonly tone: 'passed' | 'attention' | 'neutral'
  readonly sentence: string
  /** The station is older than log keys: a person has to make one. */
  readonly needsKey: boolean
}

/** What stands behind the log: how much of it is signed, and since when. `now` is an argument. */
export function standingView(status: StationStatus, now: number): StandingView {
  const { logKey, checkpoint, log } = status
  if (logKey === null)
    return {
      tone: 'attention',
      sentence: 'This log has no key: no checkpoint is signed, and nobody outside can tell whether it is whole.',
      needsKey: true,
    }
  if (checkpoint === null || checkpoint.at === null)
    return { tone: 'attention', sentence: 'No checkpoint was signed yet.', needsKey: false }
  const entries = log.kind === 'whole' ? log.entries : checkpoint.size
  const after = entries - checkpoint.size
  const rest =
    after <= 0
      ? 'all of them'
      : `${count(after, 'entry', 'entries')} since then ${after === 1 ? 'is' : 'are'} not signed yet`
  return {
    tone: checkpoint.warnings.length > 0 ? 'attention' : 'passed',
    sentence: `Last checkpoint ${relative(checkpoint.at, now)}: ${plainNumber(checkpoint.size)} ${checkpoint.size === 1 ? 'entry' : 'entries'} signed, ${rest}.`,
    needsKey: false,
  }
}

/** The name in a verifier key, `name+id+key`: what a person knows a witness by. */
export function witnessName(vkey: string): string {
  return vkey.split('+', 1)[0] ?? vkey
}
