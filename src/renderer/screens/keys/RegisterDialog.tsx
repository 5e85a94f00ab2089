import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { OpenPgpForm } from '../../../shared/key-generation.ts'
import type { Purpose } from '../../../shared/purpose.ts'
import type { TokenId, TokenObject, TokenSummary } from '../../../shared/token.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { PinsDialog } from '../../parts/PinsDialog.tsx'
import { sameToken, tokenName } from '../../parts/pin-view.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { keysQuery, tokensQuery, useAction } from '../../station/station-queries.ts'
import { ChosenKey } from './ChosenKey.tsx'
import { openPgpPlanOf, openPgpProblems } from './generate-view.ts'
import { certificateProblem, isOpenPgpArmor, objectIdOf } from './keys-view.ts'
import { OpenPgpFields, PurposeOptions } from './OpenPgpFields.tsx'
import { SigningKeyFields } from './SigningKeyFields.tsx'
import { askedTokens, mayBeEd25519, ownSigningKey, signingKeyView, subkeyOptions } from './signing-key-view.ts'

/** `object` null: the token shows none before its PIN, and the operator names the key by its id. */
export type Registering = { readonly token: TokenSummary; readonly object: TokenObject | null }

type Owner = { readonly userId: string; readonly expiryYears: string; readonly form: OpenPgpForm }

/** Two steps: what the key is, then the PIN with which the token proves that it holds it. */
export function RegisterDialog({
  registering,
  onClose,
}: {
  readonly registering: Registering
  readonly onClose: () => void
}) {
  const { token, object } = registering
  const station = useStation()
  const tokens = useQuery(tokensQuery(station))
  const keys = useQuery(keysQuery(station))
  const [typedId, setTypedId] = useState('')
  const [description, setDescription] = useState(object?.label ?? '')
  const [certificatePem, setCertificatePem] = useState(object?.certificatePem ?? '')
  const [kind, setKind] = useState<'production' | 'test' | null>(null)
  const [proving, setProving] = useState(false)
  const register = useAction((api, input: Parameters<typeof api.keysRegister>[0]) => api.keysRegister(input))
  useStationEvent('desk.locked', onClose)
  const certify = useAction((api, input: Parameters<typeof api.keysCertifyOpenpgp>[0]) => api.keysCertifyOpenpgp(input))
  const [source, setSource] = useState<'brought' | 'openpgp'>('brought')
  const [openPgpPurpose, setOpenPgpPurpose] = useState<Purpose>('openpgp')
  const [owner, setOwner] = useState<Owner>({ userId: object?.label ?? '', expiryYears: '2', form: 'v4' })
  const [signing, setSigning] = useState(ownSigningKey)
  const wantsPurpose = source === 'openpgp' || isOpenPgpArmor(certificatePem)
  const problem = certificateProblem(certificatePem)
  const { ckaId, problem: wrongId } =
    object === null ? objectIdOf(token.id, typedId) : { ckaId: object.ckaId, problem: null }
  const primary = { token: token.id, ckaId }
  const subkeys = subkeyOptions(tokens.data?.tokens ?? [], primary, keys.data ?? [])
  const signer = signingKeyView(signing, subkeys, primary)
  const ownerProblems = openPgpProblems(owner.userId, owner.expiryYears)
  const certified =
    source === 'openpgp'
      ? owner.userId.trim() !== '' && Object.keys(ownerProblems).length === 0 && signer.isComplete
      : certificatePem.trim() !== '' && problem === null
  const complete = description.trim() !== '' && certified && kind !== null && ckaId !== null

  if (proving) {
    const subkey = source === 'openpgp' ? signer.subkey : null
    return (
      <PinsDialog
        title={subkey === null ? 'Prove that the token holds this key' : 'Have both keys make the certificate?'}
        tokens={askedTokens(token.id, subkey?.token ?? null)}
        confirm="Register the key"
        pending={register.pending || certify.pending}
        onConfirm={async ({ pins }) => {
          const typedFor = (id: TokenId) => pins.find((each) => sameToken(each.token, id))
          const common = {
            token: token.id,
            ckaId: ckaId ?? '',
            description: description.trim(),
            production: kind === 'production',
            pin: typedFor(token.id)?.pin ?? '',
            useLastTry: typedFor(token.id)?.useLastTry ?? false,
          }
          const apart = subkey === null || sameToken(subkey.token, token.id) ? undefined : typedFor(subkey.token)
          const result =
            source === 'openpgp' && openPgpPurpose !== 'uefi'
              ? await certify.run({
                  ...common,
                  purpose: openPgpPurpose,
                  spkiSha256: object?.spkiSha256 ?? null,
                  plan: openPgpPlanOf(owner),
                  ...(subkey === null
                    ? {}
                    : {
                        subkey: {
                          ...subkey,
                          primarySigns: signing.primarySigns,
                          pin: apart?.pin ?? null,
                          useLastTry: apart?.useLastTry ?? false,
                        },
                      }),
                })
              : await register.run({ ...common, purpose: wantsPurpose ? openPgpPurpose : 'uefi', certificatePem })
          if (result.ok) onClose()
          return result
        }}
        onClose={() => setProving(false)}
      >
        <p>
          {subkey !== null
            ? 'The subkey signs that it belongs to the key that certifies, and a random challenge; that key signs the certificate and a revocation to be kept apart. Each of these signatures is recorded in the audit log before it is made. The creation time of both is now, and stays part of their fingerprints for ever.'
            : source === 'openpgp'
              ? 'The key signs its OpenPGP certificate, a revocation to be kept apart, and a random challenge. Each of these signatures is recorded in the audit log before it is made. The creation time is now, and stays part of the fingerprint for ever.'
              : 'The token signs a random challenge, and the certificate has to verify it. That signature is the only thing that is made now; it is recorded in the audit log.'}
        </p>
      </PinsDialog>
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
            id. A certificate that you have must fit the key that is found there.
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
        <ChosenKey token={token.id} object={object} />
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
      {object !== null && object.spkiSha256 === null ? null : (
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
        <>
          <SigningKeyFields
            draft={signing}
            view={signer}
            options={subkeys}
            onChange={(part) => setSigning((before) => ({ ...before, ...part }))}
          />
          <OpenPgpFields
            {...owner}
            mayBeEd25519={mayBeEd25519(object, signer)}
            problems={ownerProblems}
            onChange={(part) => setOwner((before) => ({ ...before, ...part }))}
          />
        </>
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
