import { useState } from 'react'
import type { TokenObject, TokenSummary } from '../../../shared/token.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Digest } from '../../design/Digest.tsx'
import { Field } from '../../design/Field.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { tokenName } from '../../parts/pin-view.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { algorithmWords } from '../../parts/wording.ts'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'
import { certificateProblem, objectIdOf } from './keys-view.ts'

/** `object` null: the token shows none before its PIN, and the operator names the key by its id. */
export type Registering = { readonly token: TokenSummary; readonly object: TokenObject | null }

/** Two steps: what the key is, then the PIN with which the token proves that it holds it. */
export function RegisterDialog({
  registering,
  onClose,
}: {
  readonly registering: Registering
  readonly onClose: () => void
}) {
  const { token, object } = registering
  const [typedId, setTypedId] = useState('')
  const [description, setDescription] = useState(object?.label ?? '')
  const [certificatePem, setCertificatePem] = useState(object?.certificatePem ?? '')
  const [kind, setKind] = useState<'production' | 'test' | null>(null)
  const [proving, setProving] = useState(false)
  const register = useAction((station, input: Parameters<typeof station.keysRegister>[0]) =>
    station.keysRegister(input),
  )
  useStationEvent('desk.locked', onClose)
  const problem = certificateProblem(certificatePem)
  const { ckaId, problem: wrongId } =
    object === null ? objectIdOf(token.id, typedId) : { ckaId: object.ckaId, problem: null }
  const complete =
    description.trim() !== '' && certificatePem.trim() !== '' && problem === null && kind !== null && ckaId !== null

  if (proving) {
    return (
      <PinDialog
        title="Prove that the token holds this key"
        token={token.id}
        confirm="Register the key"
        pending={register.pending}
        onConfirm={async ({ pin, useLastTry }) => {
          const result = await register.run({
            purpose: 'uefi',
            token: token.id,
            ckaId: ckaId ?? '',
            certificatePem,
            description: description.trim(),
            production: kind === 'production',
            pin: pin ?? '',
            useLastTry,
          })
          if (result.ok) onClose()
          return result
        }}
        onClose={() => setProving(false)}
      >
        <p>
          The token signs a random challenge, and the certificate has to verify it. That signature is the only thing
          that is made now; it is recorded in the audit log.
        </p>
      </PinDialog>
    )
  }
  return (
    <Dialog
      title="Register a key"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" isDisabled={!complete} onPress={() => setProving(true)}>
            Continue to the PIN …
          </Button>
        </>
      }
    >
      {object === null ? (
        <>
          <p>
            On <UntrustedText text={tokenName(token.id)} exact />. It shows no key before its PIN: name the key by its
            id. The certificate has to fit the key that is found there.
          </p>
          <Field
            label="Object id"
            value={typedId}
            onChange={setTypedId}
            problem={wrongId}
            mono
            maxLength={6}
            isRequired
            autoFocus
            description="Four hex digits, as the maker’s tool lists it (0x0064)."
          />
        </>
      ) : (
        <RegisteredObject token={token} object={object} />
      )}
      <Field
        label="Description"
        value={description}
        onChange={setDescription}
        maxLength={200}
        isRequired
        autoFocus={object !== null}
        description="How the review sheet names the key."
      />
      <Options
        label="What it is for"
        value={kind}
        onChange={setKind}
        options={[
          {
            value: 'production',
            label: 'Production',
            description: 'Its signatures are trusted by machines of others.',
          },
          { value: 'test', label: 'Test', description: 'Marked as a test key everywhere.' },
        ]}
      />
      <Field
        label="Certificate (PEM)"
        value={certificatePem}
        onChange={setCertificatePem}
        problem={problem}
        rows={6}
        mono
        maxLength={64 * 1024}
        isRequired
        description={
          (object?.certificatePem ?? null) === null
            ? 'The token shows no certificate for this key: paste it.'
            : 'Read from the token.'
        }
      />
    </Dialog>
  )
}

function RegisteredObject({ token, object }: { readonly token: TokenSummary; readonly object: TokenObject }) {
  return (
    <div className="register-object">
      <p>
        <strong>{algorithmWords[object.algorithm]}</strong>, object <code>{object.ckaId}</code> on{' '}
        <UntrustedText text={tokenName(token.id)} exact />
      </p>
      {object.spkiSha256 === null ? null : (
        <div>
          <p className="small muted">SHA-256 of its public key, read from the token</p>
          <Digest hex={object.spkiSha256} />
        </div>
      )}
    </div>
  )
}
