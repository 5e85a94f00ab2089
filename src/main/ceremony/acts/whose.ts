import type { CeremonyDevice, CeremonyKey, CeremonyRecord } from '../../../shared/ceremony.ts'
import type { Failure } from '../../../shared/failure.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { Secret } from '../../../shared/secret.ts'
import type { HsmDevice } from '../../token/hsm-service.ts'
import type { Attempt, CeremonyPorts, TypedSecrets } from '../ports.ts'
import { deviceNamed, keyNamed } from '../progress.ts'

// Which device and which key a step speaks of.

export function deviceOf(records: readonly CeremonyRecord[], name: string): Result<CeremonyDevice, Failure> {
  const device = deviceNamed(records, name)
  return device === null ? err(notKnown(`the device “${name}” was not inspected`)) : ok(device)
}

export function keyOf(records: readonly CeremonyRecord[], name: string): Result<CeremonyKey, Failure> {
  const key = keyNamed(records, name)
  return key === null ? err(notKnown(`the key “${name}” was neither made nor brought`)) : ok(key)
}

/** A second one of the same bytes: each act at a token wipes the one that it was given. */
export function pinOf({ pin }: TypedSecrets): Result<Secret, Failure> {
  return pin === null ? err(pinWanted) : ok(new Secret(Uint8Array.from(pin.reveal())))
}

/** Opens a YubiHSM for one piece of work. */
export async function withHsm<T>(
  { ports, secrets }: { readonly ports: CeremonyPorts; readonly secrets: TypedSecrets },
  device: Pick<CeremonyDevice, 'token'>,
  work: (hsm: HsmDevice) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  if (tokenKind(device.token) !== 'yubihsm') return err(noYubihsm)
  const pin = pinOf(secrets)
  if (!pin.ok) return pin
  const opened = await ports.hsm.open(device.token.serial, pin.value)
  if (!opened.ok) return opened
  try {
    return await work(opened.value)
  } finally {
    await opened.value.close()
  }
}

/** An object id as the device counts. */
export function objectNumber(id: string): number {
  return Number.parseInt(id, 16)
}

/** What follows must not be done to the wrong thing after a step that was left out. */
function notKnown(why: string): Failure {
  return {
    kind: 'refused',
    code: 'nothing-to-work-on',
    message: `This step has nothing to work on: ${why} in this ceremony. Record a deviation to go on without it.`,
  }
}
export const pinWanted: Failure = {
  kind: 'invalid',
  code: 'pin-wanted',
  message: 'The device wants its PIN for this step. Nothing was done.',
}
const noYubihsm: Failure = {
  kind: 'refused',
  code: 'no-yubihsm',
  message: 'Only a YubiHSM can do this. Nothing was done. Record a deviation to go on without it.',
}

export type AnyAttempt = Pick<Attempt, 'ports' | 'records' | 'secrets' | 'operator' | 'intend' | 'ceremonyId'>
