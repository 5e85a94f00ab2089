import { channel } from 'node:diagnostics_channel'

/** The steps between which the station may die without losing or doubling anything (docs/flows/recovery.md). */
export type StepName =
  | 'fetch'
  | 'intake'
  | 'decision'
  | 'intent'
  | 'token'
  | 'generation'
  | 'registration'
  | 'openpgp-binding'
  | 'asset'
  | 'assemble'
  | 'verify'
  | 'outcome'
  | 'upload'
  | 'completion'
  | 'checkpoint'
  | 'ceremony'
  | 'device-log'
  | 'device-log-free'
  | 'reseal'
  | 'reseal-commit'
  | 'log-key-exchange'
  | 'key-import'
  | 'open'
  | 'deliver'
  | 'place'
  | 'delivered'
  | 'confirmation'
  | 'confirmation-answer'
  | 'signed-upload'
  | 'signature-handed-in'

const steps = channel('station:step')

/**
 * Announces that a step is about to be taken or was taken. Nobody listens in the product; the fault tests do, from a module
 * loaded beside the built bundle, and kill the process there.
 */
export function step(name: StepName, when: 'before' | 'after'): void {
  if (steps.hasSubscribers) steps.publish({ name, when })
}
