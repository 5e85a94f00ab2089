import { useQuery } from '@tanstack/react-query'
import type { KeyGeneration } from '../../../shared/key-generation.ts'
import { KeyKindBadge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Digest } from '../../design/Digest.tsx'
import { Field } from '../../design/Field.tsx'
import { Notice } from '../../design/Notice.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation } from '../../station/station-context.tsx'
import { keysQuery } from '../../station/station-queries.ts'
import { generationView } from './generate-view.ts'

/** What came of it: the digests as words to be read aloud, and what is to be handed on. */
export function GenerationResult({
  generation,
  onClose,
}: {
  readonly generation: KeyGeneration
  readonly onClose: () => void
}) {
  const station = useStation()
  const keys = useQuery(keysQuery(station))
  const view = generationView(generation)
  const { plan, fingerprint, spkiSha256, certificateRequest } = generation
  const registered = keys.data?.find((key) => key.fingerprint === fingerprint) ?? null
  return (
    <Dialog
      title={generation.state === 'failed' ? 'No key was made' : 'The new key'}
      isOpen
      wide
      onClose={onClose}
      actions={
        <Button variant="primary" onPress={onClose} autoFocus>
          Done
        </Button>
      }
    >
      <div className="row">
        <strong className="grow">
          <UntrustedText text={plan.description} />
        </strong>
        <KeyKindBadge production={plan.production} />
      </div>
      <Notice
        tone={view.tone === 'accent' ? 'neutral' : view.tone === 'unknown' ? 'attention' : view.tone}
        title={view.state}
      >
        <UntrustedText text={view.sentence} />
      </Notice>
      {fingerprint === null ? null : (
        <div>
          <p className="small muted">Fingerprint of its certificate (SHA-256), by which the server names it</p>
          <Digest hex={fingerprint} words />
        </div>
      )}
      {spkiSha256 === null ? null : (
        <div>
          <p className="small muted">SHA-256 of its public key, read from the token</p>
          <Digest hex={spkiSha256} words />
        </div>
      )}
      {registered === null ? null : (
        <Exported label="Certificate (PEM)" text={registered.certificatePem} what="the certificate" />
      )}
      {certificateRequest === null || fingerprint !== null ? null : (
        <Exported label="Request for the CA (PKCS#10, PEM)" text={certificateRequest} what="the request" />
      )}
      {fingerprint === null ? null : (
        <p className="small muted">
          A person who may ask for signatures with it needs the role SIGNER on the key’s asset, which the server’s
          administrator grants:{' '}
          <code>debusine-admin asset grant_role --workspace SCOPE/WORKSPACE ASSET_ID signer GROUP</code>
        </p>
      )}
    </Dialog>
  )
}

function Exported({ label, text, what }: { readonly label: string; readonly text: string; readonly what: string }) {
  return (
    <div>
      <Field label={label} value={text} isReadOnly rows={6} mono />
      <div className="row row-end">
        <CopyButton text={text} what={what} />
      </div>
    </div>
  )
}
