import type { Failure } from '../../shared/failure.ts'

// What the station refuses, in a sentence.

export const allClosed =
  'The contradiction was closed, and the log says by whom and why. The station is for reading only until it is started again.'
export const noWitness: Failure = {
  kind: 'invalid',
  code: 'witness-malformed',
  message:
    'One of the witnesses’ keys is no verifier key of a witness (name+hash+key, type 04). The settings were not changed.',
}
export function noFolderInside(folder: string): Failure {
  return {
    kind: 'invalid',
    code: 'copy-folder-inside',
    message: `The folder ${folder} lies in this station’s own folder, and would be put back to an older state along with it. The settings were not changed. Name a folder on another disk or medium.`,
  }
}
export const notEnrolledYet: Failure = {
  kind: 'refused',
  code: 'not-enrolled',
  message: 'The station is not enrolled at a server yet. Enter the server in the settings and enrol first.',
}
