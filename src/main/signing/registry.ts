import type { Digester } from '../digest/digester.ts'
import { UploadSigner } from './debsign/upload.signer.ts'
import { CleartextSigner } from './openpgp/cleartext.signer.ts'
import { PeSigner } from './pe/pe.signer.ts'
import { IndexSigner } from './repository-index/index.signer.ts'
import type { Signer } from './signer.ts'

/**
 * The formats that are signed. A file of a Sign task is signed as the kind of certificate says that its key was registered with, hence by
 * its purpose; other tasks say how.
 */
export function createSigner(digester: Digester): Signer {
  const image = new PeSigner(digester)
  const text = new CleartextSigner()
  const upload = new UploadSigner()
  const index = new IndexSigner()
  return {
    outputSuffix: image.outputSuffix,
    prepare: (file, certificate, time) => {
      const { form } = file
      if (form?.kind === 'upload') return Promise.resolve(upload.prepare(file, form, certificate, time))
      if (form?.kind === 'index') return index.prepare(file, form, certificate, time)
      return (certificate.openpgp === undefined ? image : text).prepare(file, certificate, time)
    },
    verify: (file, output, certificate) => {
      const { form } = file
      if (form?.kind === 'upload') return upload.verify(file, form, output, certificate)
      if (form?.kind === 'index') return index.verify(file, form, output, certificate)
      return (certificate.openpgp === undefined ? image : text).verify(file, output, certificate)
    },
  }
}
