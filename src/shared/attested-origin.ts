import type { AttestationFacts } from './attestation.ts'

/** A YubiHSM attests imported keys too; `imported-wrapped` means that the key came from another device. */
export function wasImported(facts: AttestationFacts): boolean {
  return facts.device === 'yubihsm' && facts.origin.some((bit) => bit !== 'generated')
}
