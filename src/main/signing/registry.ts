import type { Digester } from '../digest/digester.ts'
import { CleartextSigner } from './openpgp/cleartext.signer.ts'
import { PeSigner } from './pe/pe.signer.ts'
import type { Signer } from './signer.ts'

/** The formats that are signed, chosen by the kind of certificate that the key was registered with, hence by its purpose. */
export function createSigner(digester: Digester): Signer {
  const image = new PeSigner(digester)
  const text = new CleartextSigner()
  return {
    outputSuffix: image.outputSuffix,
    prepare: (file, certificate, time) =>
      (certificate.openpgp === undefined ? image : text).prepare(file, certificate, time),
    verify: (file, output, certificate) =>
      (certificate.openpgp === undefined ? image : text).verify(file, output, certificate),
  }
}
