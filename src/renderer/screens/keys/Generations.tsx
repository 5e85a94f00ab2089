import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { KeyGeneration } from '../../../shared/key-generation.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { Badge, KeyKindBadge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { tokenName } from '../../parts/pin-view.ts'
import { ReasonDialog } from '../../parts/ReasonDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { algorithmWords } from '../../parts/wording.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { generationsQuery, useAction } from '../../station/station-queries.ts'
import { GenerationProgress } from './GenerationProgress.tsx'
import { GenerationResult } from './GenerationResult.tsx'
import { generationView, unsettled } from './generate-view.ts'
import { certificateProblem } from './keys-view.ts'

type Doing = { readonly step: 'continue' | 'bring-certificate' | 'close' | 'look'; readonly generation: KeyGeneration }

const labels = {
  continue: 'Go on …',
  'bring-certificate': 'Bring the certificate …',
  close: 'Close …',
} as const

/** Keys that were begun on a token and are not settled: each wants a person. */
export function Generations() {
  const station = useStation()
  const generations = useQuery(generationsQuery(station))
  const [doing, setDoing] = useState<Doing | null>(null)
  const open = unsettled(generations.data ?? [])
  const close = () => setDoing(null)
  if (generations.isError) return <FailureNotice failure={failureFrom(generations.error)} />
  return (
    <>
      {open.length === 0 ? null : (
        <section className="section" aria-labelledby="keys-begun">
          <h2 id="keys-begun">
            Keys begun <span className="muted">{open.length}</span>
          </h2>
          {open.map((generation) => {
            const view = generationView(generation)
            return (
              <article key={generation.id} className="card card-pad" aria-label={generation.plan.description}>
                <div className="row">
                  <h3 className="grow">
                    <UntrustedText text={generation.plan.description} truncate />
                  </h3>
                  <KeyKindBadge production={generation.plan.production} />
                  <Badge tone={view.tone}>{view.state}</Badge>
                </div>
                <p className="small muted">
                  {algorithmWords[generation.plan.algorithm]}, id <code>{generation.plan.ckaId}</code> on{' '}
                  <UntrustedText text={tokenName(generation.plan.token)} exact />
                </p>
                <p className="measure">
                  <UntrustedText text={view.sentence} />
                </p>
                <div className="row">
                  {view.steps.map((step) => (
                    <Button key={step} size="s" onPress={() => setDoing({ step, generation })}>
                      {labels[step]}
                    </Button>
                  ))}
                  {generation.spkiSha256 === null ? null : (
                    <Button size="s" variant="quiet" onPress={() => setDoing({ step: 'look', generation })}>
                      Digests and request
                    </Button>
                  )}
                </div>
              </article>
            )
          })}
        </section>
      )}
      {doing === null ? null : doing.step === 'look' ? (
        <GenerationResult generation={doing.generation} onClose={close} />
      ) : doing.step === 'close' ? (
        <CloseDialog generation={doing.generation} onClose={close} />
      ) : (
        <FinishDialog step={doing.step} generation={doing.generation} onClose={close} />
      )}
    </>
  )
}

function CloseDialog({ generation, onClose }: { readonly generation: KeyGeneration; readonly onClose: () => void }) {
  const end = useAction((station, note: string) => station.generationClose({ id: generation.id, note }))
  return (
    <ReasonDialog
      title={generation.state === 'incident' ? 'Close this incident?' : 'Give this key up?'}
      label="What was found, and what was done"
      confirm={generation.state === 'incident' ? 'Close the incident' : 'Give the key up'}
      danger
      pending={end.pending}
      onConfirm={end.run}
      onClose={onClose}
    >
      <p>
        Nothing is deleted on the token: what is under the id <code>{generation.plan.ckaId}</code> stays until you
        delete it with the token’s own tool. The note is recorded in the audit log.
      </p>
    </ReasonDialog>
  )
}

function FinishDialog({
  step,
  generation,
  onClose,
}: {
  readonly step: 'continue' | 'bring-certificate'
  readonly generation: KeyGeneration
  readonly onClose: () => void
}) {
  const [certificatePem, setCertificatePem] = useState(step === 'continue' ? '-' : '')
  const [typed, setTyped] = useState(step === 'continue')
  const [made, setMade] = useState<KeyGeneration | null>(null)
  const finish = useAction(
    (station, secrets: { readonly pin: string; readonly officerPin: string | null; readonly useLastTry: boolean }) =>
      step === 'continue'
        ? station.generationContinue({ id: generation.id, ...secrets })
        : station.generationBringCertificate({ id: generation.id, certificatePem, ...secrets }),
  )
  const problem = certificateProblem(certificatePem)
  if (made !== null) return <GenerationResult generation={made} onClose={onClose} />
  if (typed) {
    const { token } = generation.plan
    return (
      <PinDialog
        title={step === 'continue' ? 'Have the key sign its certificate?' : 'Register the key with this certificate?'}
        token={token}
        confirm={step === 'continue' ? 'Go on' : 'Register the key'}
        pending={finish.pending}
        managementKey={tokenKind(token) === 'piv'}
        onConfirm={async ({ pin, officerPin, useLastTry }) => {
          const result = await finish.run({ pin: pin ?? '', officerPin, useLastTry })
          if (result.ok) setMade(result.value)
          return result
        }}
        onClose={() => (step === 'continue' ? onClose() : setTyped(false))}
      >
        <p>The key proves that it is still on the token. Each use of it is recorded before it happens.</p>
        <GenerationProgress />
      </PinDialog>
    )
  }
  return (
    <Dialog
      title="Bring the certificate"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            isDisabled={certificatePem.trim() === '' || problem !== null}
            onPress={() => setTyped(true)}
          >
            Continue to the PIN …
          </Button>
        </>
      }
    >
      <Field
        label="Certificate (PEM)"
        value={certificatePem}
        onChange={setCertificatePem}
        problem={problem}
        rows={8}
        mono
        maxLength={64 * 1024}
        isRequired
        autoFocus
        description="The one that the CA made from this key’s request. Any other is refused."
      />
    </Dialog>
  )
}
