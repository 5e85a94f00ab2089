import type { StepInput } from '../../shared/ceremony.ts'
import type { CeremonyStep, CeremonyStepKind } from '../../shared/ceremony-script.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import { attest } from './acts/attest.ts'
import { restoreTest, setDeviceOptions, wrapBackup } from './acts/backup.ts'
import { register, retireKey, signTest } from './acts/finish-key.ts'
import { answers, checkpoint, confirmWords, inspectDevice, note, roles, software } from './acts/look.ts'
import { certificate, generateKey, importKey } from './acts/make-key.ts'
import type { Act, Attempt, Performed } from './ports.ts'

const acts: { readonly [K in CeremonyStepKind]: Act<K> } = {
  note,
  roles,
  'inspect-device': inspectDevice,
  software,
  'generate-key': generateKey,
  'import-key': importKey,
  attest,
  certificate,
  'test-signature': signTest,
  'wrap-backup': wrapBackup,
  'restore-test': restoreTest,
  'device-options': setDeviceOptions,
  register,
  'retire-key': retireKey,
  'confirm-words': confirmWords,
  checkpoint,
  answers,
}

/** Carries a step out. `input` must be of the step's kind: the caller has looked. */
export function perform(
  attempt: Omit<Attempt, 'step' | 'input'> & { readonly step: CeremonyStep; readonly input: StepInput },
): Promise<Result<Performed, Failure>> {
  // Step and input are both of that kind; TypeScript does not follow one discriminant through two unions.
  const act = acts[attempt.step.kind] as (attempt: unknown) => Promise<Result<Performed, Failure>>
  return act(attempt)
}
