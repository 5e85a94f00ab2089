import { useState } from 'react'
import type { OpenPgpKeyFacts, RegisteredKey } from '../../../shared/key.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'
import { daysOf, openPgpProblems } from './generate-view.ts'
import { certificateProblem } from './keys-view.ts'

type Asking = 'extend' | 'revoke' | 'bring'
type Reason = 'superseded' | 'compromised' | 'retired'

type ActionsProps = { readonly registered: RegisteredKey; readonly openpgp: OpenPgpKeyFacts }

/** What can be done with an OpenPGP certificate: another end, a newer one from elsewhere, and its revocation. */
export function OpenPgpActions({ registered, openpgp }: ActionsProps) {
  const [asking, setAsking] = useState<Asking | null>(null)
  const onClose = () => setAsking(null)
  // A subkey’s certificate is changed where its primary key is, if anybody here knows.
  const own = (openpgp.signingFingerprint === registered.fingerprint || openpgp.primary !== null) && !openpgp.revoked
  return (
    <div className="row row-end">
      {openpgp.revocation === null ? null : <CopyButton text={openpgp.revocation} what="the prepared revocation" />}
      <Button size="s" onPress={() => setAsking('bring')}>
        Bring a newer certificate …
      </Button>
      {own ? (
        <>
          <Button size="s" onPress={() => setAsking('extend')}>
            Change its end …
          </Button>
          <Button size="s" onPress={() => setAsking('revoke')}>
            Revoke …
          </Button>
        </>
      ) : null}
      {asking === 'extend' ? <ExtendDialog registered={registered} onClose={onClose} /> : null}
      {asking === 'revoke' ? <RevokeDialog registered={registered} onClose={onClose} /> : null}
      {asking === 'bring' ? <BringDialog registered={registered} onClose={onClose} /> : null}
    </div>
  )
}

type DialogProps = { readonly registered: RegisteredKey; readonly onClose: () => void }

/** Of the key that certifies. */
const tokenOf = ({ home, openpgp }: RegisteredKey) =>
  openpgp?.primary?.token ?? (home.kind === 'token' ? home.token : null)

function ExtendDialog({ registered, onClose }: DialogProps) {
  const { purpose, fingerprint } = registered
  const [years, setYears] = useState('2')
  const [typing, setTyping] = useState(false)
  const extend = useAction((station, input: Parameters<typeof station.keysExtendOpenpgp>[0]) =>
    station.keysExtendOpenpgp(input),
  )
  useStationEvent('desk.locked', onClose)
  const problem = openPgpProblems('', years).expiryYears ?? null
  if (typing)
    return (
      <PinDialog
        title="Have the key certify itself anew?"
        token={tokenOf(registered)}
        confirm="Change the end"
        pending={extend.pending}
        onConfirm={async ({ pin, useLastTry }) => {
          const result = await extend.run({ purpose, fingerprint, days: daysOf(years), pin: pin ?? '', useLastTry })
          if (result.ok) onClose()
          return result
        }}
        onClose={() => setTyping(false)}
      >
        <p>The key signs its user ids again. Give the new certificate to those who verify, and to the server.</p>
      </PinDialog>
    )
  return (
    <Dialog
      title="Change the certificate’s end"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" isDisabled={problem !== null} onPress={() => setTyping(true)}>
            Continue to the PIN …
          </Button>
        </>
      }
    >
      <Field
        label="Expires after years, from today"
        value={years}
        onChange={setYears}
        problem={problem}
        maxLength={2}
        autoFocus
        description="Empty: it does not expire."
      />
    </Dialog>
  )
}

function RevokeDialog({ registered, onClose }: DialogProps) {
  const { purpose, fingerprint } = registered
  const [reason, setReason] = useState<Reason | null>(null)
  const [text, setText] = useState('')
  const [typing, setTyping] = useState(false)
  const revoke = useAction((station, input: Parameters<typeof station.keysRevokeOpenpgp>[0]) =>
    station.keysRevokeOpenpgp(input),
  )
  useStationEvent('desk.locked', onClose)
  if (typing && reason !== null)
    return (
      <PinDialog
        title="Revoke this certificate?"
        token={tokenOf(registered)}
        confirm="Revoke it for ever"
        pending={revoke.pending}
        onConfirm={async ({ pin, useLastTry }) => {
          const result = await revoke.run({
            purpose,
            fingerprint,
            reason,
            text: text.trim(),
            pin: pin ?? '',
            useLastTry,
          })
          if (result.ok) onClose()
          return result
        }}
        onClose={() => setTyping(false)}
      >
        <p>The key signs that it is to be trusted no more. This cannot be taken back.</p>
      </PinDialog>
    )
  return (
    <Dialog
      title="Revoke the OpenPGP certificate"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose} autoFocus>
            Cancel
          </Button>
          <Button variant="danger" isDisabled={reason === null || text.trim() === ''} onPress={() => setTyping(true)}>
            Continue to the PIN …
          </Button>
        </>
      }
    >
      <Notice tone="attention" title="For ever">
        The key signs nothing more at this station. Others learn of it only when they get the revoked certificate.
      </Notice>
      <Options
        label="Reason"
        value={reason}
        onChange={setReason}
        options={[
          { value: 'retired', label: 'No longer used', description: 'What it signed stays good.' },
          { value: 'superseded', label: 'Another key takes its place', description: 'What it signed stays good.' },
          {
            value: 'compromised',
            label: 'Somebody else may have it',
            description: 'Everything that it ever signed falls.',
          },
        ]}
      />
      <Field
        label="What others read"
        value={text}
        onChange={setText}
        maxLength={200}
        isRequired
        description="It becomes part of the certificate."
      />
    </Dialog>
  )
}

function BringDialog({ registered, onClose }: DialogProps) {
  const { purpose, fingerprint } = registered
  const [certificate, setCertificate] = useState('')
  const bring = useAction((station, input: Parameters<typeof station.keysBringOpenpgp>[0]) =>
    station.keysBringOpenpgp(input),
  )
  useStationEvent('desk.locked', onClose)
  const problem = certificateProblem(certificate)
  return (
    <Dialog
      title="Bring a newer certificate of this key"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            isDisabled={certificate.trim() === '' || problem !== null}
            isPending={bring.pending}
            onPress={() =>
              void bring.run({ purpose, fingerprint, certificate }).then((result) => (result.ok ? onClose() : null))
            }
          >
            Use this certificate
          </Button>
        </>
      }
    >
      <Field
        label="OpenPGP certificate"
        value={certificate}
        onChange={setCertificate}
        problem={problem}
        rows={8}
        mono
        maxLength={64 * 1024}
        isRequired
        autoFocus
        description="Armored. It must have this key’s fingerprint, and hold the key that signs."
      />
      {bring.failure === null ? null : <FailureNotice failure={bring.failure} />}
    </Dialog>
  )
}
