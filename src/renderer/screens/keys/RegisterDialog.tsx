import { useState } from 'react'
import type { Purpose } from '../../../shared/purpose.ts'
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
import { daysOf, openPgpProblems } from './generate-view.ts'
import { certificateProblem, isOpenPgpArmor, objectIdOf } from './keys-view.ts'
import { OpenPgpFields, PurposeOptions } from './OpenPgpFields.tsx'

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
  const certify = useAction((station, input: Parameters<typeof station.keysCertifyOpenpgp>[0]) =>
    station.keysCertifyOpenpgp(input),
  )
  const [source, setSource] = useState<'brought' | 'openpgp'>('brought')
  const [openPgpPurpose, setOpenPgpPurpose] = useState<Purpose>('openpgp')
  const [owner, setOwner] = useState({ userId: object?.label ?? '', expiryYears: '2' })
  const wantsPurpose = source === 'openpgp' || isOpenPgpArmor(certificatePem)
  const problem = certificateProblem(certificatePem)
  const { ckaId, problem: wrongId } =
    object === null ? objectIdOf(token.id, typedId) : { ckaId: object.ckaId, problem: null }
  const ownerProblems = openPgpProblems(owner.userId, owner.expiryYears)
  const certified =
    source === 'openpgp'
      ? owner.userId.trim() !== '' && Object.keys(ownerProblems).length === 0
      : certificatePem.trim() !== '' && problem === null
  const complete = description.trim() !== '' && certified && kind !== null && ckaId !== null

  if (proving) {
    return (
      <PinDialog
        title="Prove that the token holds this key"
        token={token.id}
        confirm="Register the key"
        pending={register.pending || certify.pending}
        onConfirm={async ({ pin, useLastTry }) => {
          const common = {
            token: token.id,
            ckaId: ckaId ?? '',
            description: description.trim(),
            production: kind === 'production',
            pin: pin ?? '',
            useLastTry,
          }
          const spkiSha256 = object?.spkiSha256 ?? null
          const result =
            source === 'openpgp' && openPgpPurpose !== 'uefi' && spkiSha256 !== null
              ? await certify.run({
                  ...common,
                  purpose: openPgpPurpose,
                  spkiSha256,
                  plan: { userId: owner.userId.trim(), days: daysOf(owner.expiryYears) },
                })
              : await register.run({ ...common, purpose: wantsPurpose ? openPgpPurpose : 'uefi', certificatePem })
          if (result.ok) onClose()
          return result
        }}
        onClose={() => setProving(false)}
      >
        <p>
          {source === 'openpgp'
            ? 'The key signs its OpenPGP certificate, a revocation to be kept apart, and a random challenge. Each of these signatures is recorded in the audit log before it is made. The creation time is now, and stays part of the fingerprint for ever.'
            : 'The token signs a random challenge, and the certificate has to verify it. That signature is the only thing that is made now; it is recorded in the audit log.'}
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
      {(object?.spkiSha256 ?? null) === null ? null : (
        <Options
          label="Certificate"
          inline
          value={source}
          onChange={setSource}
          options={[
            { value: 'brought', label: 'One that I have (X.509 or OpenPGP)' },
            { value: 'openpgp', label: 'Make an OpenPGP certificate' },
          ]}
        />
      )}
      {wantsPurpose ? <PurposeOptions value={openPgpPurpose} onChange={setOpenPgpPurpose} openPgpOnly /> : null}
      {source === 'openpgp' ? (
        <OpenPgpFields
          {...owner}
          problems={ownerProblems}
          onChange={(part) => setOwner((before) => ({ ...before, ...part }))}
        />
      ) : null}
      {source === 'brought' ? (
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
              ? 'The token holds no certificate for this key: paste it, PEM or OpenPGP armor.'
              : 'Read from the token. For OpenPGP put the armored certificate in its place.'
          }
        />
      ) : null}
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
