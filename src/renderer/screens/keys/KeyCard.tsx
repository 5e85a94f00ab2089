import { useState } from 'react'
import { Button as AriaButton, Disclosure, DisclosurePanel, Heading } from 'react-aria-components'
import type { AttestationRecord } from '../../../shared/attestation.ts'
import type { RegisteredKey } from '../../../shared/key.ts'
import { Badge, KeyKindBadge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { Icon } from '../../design/Icon.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useNow } from '../../parts/use-now.ts'
import { logPlace } from '../../place.ts'
import { useAction } from '../../station/station-queries.ts'
import { AssetDialog } from './AssetDialog.tsx'
import { AttestationPanel } from './AttestationPanel.tsx'
import { keyCard } from './keys-view.ts'
import { OpenPgpActions } from './OpenPgpActions.tsx'

type NextState = 'active' | 'suspended' | 'retired'

const steps: Record<NextState, { readonly label: string; readonly question: string; readonly confirm: string }> = {
  active: {
    label: 'Use again …',
    question: 'The station offers this key to the server again.',
    confirm: 'Use the key again',
  },
  suspended: {
    label: 'Suspend …',
    question:
      'The station stops offering this key to the server, and requests for it cannot be approved. It can be used again later.',
    confirm: 'Suspend the key',
  },
  retired: {
    label: 'Retire …',
    question: 'The key signs nothing more at this station. What it signed stays in the log.',
    confirm: 'Retire the key',
  },
}

const possible: Record<RegisteredKey['state'], readonly NextState[]> = {
  active: ['suspended', 'retired'],
  suspended: ['active', 'retired'],
  retired: [],
  destroyed: [],
}

export function KeyCard({
  registered,
  attestations,
}: {
  readonly registered: RegisteredKey
  /** Of every key, the newest first. */
  readonly attestations: readonly AttestationRecord[]
}) {
  const view = keyCard(registered, useNow(), attestations)
  const { go } = useNavigation()
  const [asking, setAsking] = useState<NextState | null>(null)
  const [makingAsset, setMakingAsset] = useState(false)
  const setState = useAction((station, state: NextState) =>
    station.keysSetState({ purpose: registered.purpose, fingerprint: registered.fingerprint, state }),
  )
  const close = () => {
    setAsking(null)
    setState.reset()
  }
  async function change() {
    if (asking !== null && (await setState.run(asking)).ok) close()
  }

  return (
    <Disclosure className={`card key-row ${view.production ? 'key-production' : 'key-test'}`}>
      <div className="key-row-line">
        <Heading level={3} className="key-row-heading">
          <AriaButton slot="trigger" className="key-row-trigger">
            <span className="check-chevron">
              <Icon name="chevron" size={12} />
            </span>
            <UntrustedText text={view.description} truncate />
          </AriaButton>
        </Heading>
        <span className="key-row-badges">
          <KeyKindBadge production={view.production} />
          <Badge tone={view.state.tone === 'passed' ? 'neutral' : view.state.tone}>{view.state.text}</Badge>
          <Badge tone={view.validity.tone}>{view.validity.text}</Badge>
          {view.attestation === null ? <span /> : <Badge tone={view.attestation.tone}>{view.attestation.text}</Badge>}
          <Badge tone={view.usable.tone}>{view.usable.text}</Badge>
        </span>
      </div>
      {view.usable.why === null ? null : (
        <p className="small key-row-why">
          <UntrustedText text={view.usable.why} />
        </p>
      )}
      <DisclosurePanel className="key-row-panel">
        <FactList facts={view.facts} />
        <Field
          label={registered.openpgp === null ? 'Certificate (PEM)' : 'OpenPGP certificate'}
          value={registered.certificatePem}
          isReadOnly
          rows={6}
          mono
          description={
            registered.home.kind === 'software'
              ? 'It is nowhere else: give it to those who test, and to the server.'
              : 'For firmware and verifiers that are to trust this key, and for the key’s asset at the server.'
          }
        />
        <div className="row row-end">
          <CopyButton text={registered.certificatePem} what="the certificate" />
        </div>
        {registered.openpgp === null ? null : <OpenPgpActions registered={registered} openpgp={registered.openpgp} />}
        <AttestationPanel registered={registered} records={attestations} />
        <div className="row key-row-actions">
          {registered.lastUseSeq === null ? null : (
            <Button
              size="s"
              variant="quiet"
              icon="audit"
              onPress={() => go(logPlace('station', {}, registered.lastUseSeq))}
            >
              Last use in the audit log
            </Button>
          )}
          <Button size="s" onPress={() => setMakingAsset(true)}>
            Make its asset …
          </Button>
          {possible[registered.state].map((state) => (
            <Button key={state} size="s" onPress={() => setAsking(state)}>
              {steps[state].label}
            </Button>
          ))}
        </div>
      </DisclosurePanel>
      {makingAsset ? <AssetDialog registered={registered} onClose={() => setMakingAsset(false)} /> : null}
      {asking === null ? null : (
        <Dialog
          title={`${steps[asking].confirm}?`}
          role="alertdialog"
          isOpen
          onClose={close}
          actions={
            <>
              <Button onPress={close} autoFocus>
                Cancel
              </Button>
              <Button
                variant={asking === 'retired' ? 'danger' : 'primary'}
                isPending={setState.pending}
                onPress={() => void change()}
              >
                {steps[asking].confirm}
              </Button>
            </>
          }
        >
          <p>
            <strong>
              <UntrustedText text={view.description} />
            </strong>
          </p>
          <p>{steps[asking].question}</p>
          {setState.failure === null ? null : <FailureNotice failure={setState.failure} />}
        </Dialog>
      )}
    </Disclosure>
  )
}
