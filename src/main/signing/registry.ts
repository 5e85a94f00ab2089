import type { Purpose } from '../../shared/purpose.ts'
import type { Digester } from '../digest/digester.ts'
import { PeSigner } from './pe/pe.signer.ts'
import type { Signer } from './signer.ts'

/** The signer of each purpose. A purpose that is added to the contract without one does not compile. */
export function createSigners(digester: Digester): Readonly<Record<Purpose, Signer>> {
  return { uefi: new PeSigner(digester) }
}
