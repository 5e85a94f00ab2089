import { signCleartext } from '../../src/main/openpgp/cleartext.ts'
import { signDetached } from '../../src/main/openpgp/detached.ts'
import { open } from '../../src/main/token/testing/token-bench.ts'
import type { GenerationBench } from '../devices/testing/generation-bench.ts'
import type { SignedWith } from './verifiers.ts'

const text = Buffer.from('Format: 3.0 (native)\nFrom the station\n- dash \n\nChecksums: grüße\n')

/** A text signed in all ways with the only key that is registered, as it is stored, through the token service that made it. */
export async function signedByRegistered(bench: GenerationBench, pin: string): Promise<SignedWith> {
  const keys = bench.keys()
  const [registered] = await keys.list()
  const held = registered === undefined ? null : await keys.forSigning(registered.purpose, registered.fingerprint)
  const key = held?.certificate.openpgp
  if (held === null || key === undefined) throw new Error('no OpenPGP key is registered')
  const session = await open(bench.ports.tokens, held.reference, pin)
  if (!session.ok) throw new Error(session.error.message)
  try {
    const signers = [{ key, sign: session.value.sign.bind(session.value) }]
    const created = new Date()
    const made = [
      await signCleartext(text, signers, created),
      await signDetached([text], signers, { armor: true, text: false, created }),
      await signDetached([text], signers, { armor: true, text: true, created }),
    ].map((result) => {
      if (!result.ok) throw new Error(result.error.message)
      return result.value
    })
    const [clear, detached, detachedText] = made
    if (clear === undefined || detached === undefined || detachedText === undefined) throw new Error('not signed')
    return { certificates: [held.certificate.der], text, clear, detached, detachedText }
  } finally {
    await session.value.close()
  }
}
