import { useState } from 'react'
import type { CeremonyDetail } from '../../../shared/ceremony.ts'
import { stepKindWords } from '../../../shared/ceremony-words.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { GenerationProgress } from '../keys/GenerationProgress.tsx'
import { actWords, peopleOf, pinWanted, stepDetails } from './ceremony-view.ts'
import { StepForm } from './StepForm.tsx'
import { emptyDraft, inputOf, type StepDraft } from './step-draft.ts'

/** The step that is due: what is to be done, what is typed, and the one button that carries it out. */
export function StepPanel({ detail, index }: { readonly detail: CeremonyDetail; readonly index: number }) {
  const { summary, plan, steps, words, records } = detail
  const step = plan.script.steps[index]
  const state = steps[index]
  if (step === undefined || state === undefined) throw new Error(`there is no step ${index}`)
  const [draft, setDraft] = useState<StepDraft>(() => emptyDraft(step))
  const [asking, setAsking] = useState(false)
  const start = useAction((api, input: Parameters<typeof api.ceremonyStartStep>[0]) => api.ceremonyStartStep(input))
  const finish = useAction((api, input: Parameters<typeof api.ceremonyFinishStep>[0]) => api.ceremonyFinishStep(input))
  const begun = state.kind === 'begun'
  const input = inputOf(step, draft)
  const pin = pinWanted(step, records, { pasted: draft.pem.trim() !== '' })
  const without = { pin: null, officerPin: null, useLastTry: false }
  const finishWith = (typed: { pin: string | null; officerPin: string | null; useLastTry: boolean }) => {
    if (input === null) throw new Error('nothing to send')
    return finish.run({ id: summary.id, step: step.id, input, ...typed })
  }
  const people = peopleOf(records)

  return (
    <section className="card ceremony-step" aria-labelledby="ceremony-step-title">
      <div className="row">
        <h2 id="ceremony-step-title" className="grow">
          {index + 1}. <UntrustedText text={step.title} />
        </h2>
        <Badge tone="neutral">{stepKindWords[step.kind]}</Badge>
      </div>
      {step.text === undefined ? null : (
        <p className={step.kind === 'note' && step.aloud ? 'ceremony-aloud' : 'ceremony-told'}>
          <UntrustedText text={step.text} multiline />
        </p>
      )}
      <dl className="ceremony-facts">
        {stepDetails(step).map(({ label, value }) => (
          <div key={label} className="ceremony-fact">
            <dt>
              <UntrustedText text={label} />
            </dt>
            <dd>
              <UntrustedText text={value} exact />
            </dd>
          </div>
        ))}
      </dl>
      {begun && state.failure !== null ? (
        <FailureNotice
          failure={{ kind: 'unavailable', ...state.failure }}
          title="The last attempt did not succeed. The step is still open."
        />
      ) : null}
      {begun && state.intended !== null ? (
        <Notice tone="attention" title="A device was asked already">
          An attempt of this step asked it for “{state.intended}” and did not come to its end here. What became of it is
          looked at first.
        </Notice>
      ) : null}
      {begun ? (
        <>
          <StepForm
            step={step}
            draft={draft}
            set={(change) => setDraft((before) => ({ ...before, ...change }))}
            people={people}
            words={words}
          />
          {finish.failure === null || asking ? null : <FailureOnce failure={finish.failure} shown={state.failure} />}
          <div className="row">
            <Button
              variant="primary"
              isDisabled={input === null}
              isPending={finish.pending}
              onPress={() => {
                if (pin === null) void finishWith(without)
                else setAsking(true)
              }}
            >
              {actWords[step.kind]}
            </Button>
            {input === null ? <span className="small muted">Something is not filled in yet.</span> : null}
            <GenerationProgress />
          </div>
        </>
      ) : (
        <div className="row">
          <Button
            variant="primary"
            autoFocus
            isPending={start.pending}
            onPress={() => void start.run({ id: summary.id, step: step.id })}
          >
            Begin this step
          </Button>
          <span className="small muted">From then on its time runs.</span>
        </div>
      )}
      {start.failure === null ? null : <FailureNotice failure={start.failure} />}
      {asking && pin !== null ? (
        <PinDialog
          title={step.title}
          token={pin.token}
          confirm={actWords[step.kind].replace(' …', '')}
          pending={finish.pending}
          managementKey={pin.managementKey}
          onConfirm={(typed) => finishWith(typed)}
          onClose={() => setAsking(false)}
        >
          <p>
            Step {index + 1} of the ceremony, on record since it was begun. <UntrustedText text={step.text ?? ''} />
          </p>
          <GenerationProgress />
        </PinDialog>
      ) : null}
    </section>
  )
}

/** The failure that is on record is shown above; another one (nothing was recorded of it) is shown here. */
function FailureOnce({
  failure,
  shown,
}: {
  readonly failure: Parameters<typeof FailureNotice>[0]['failure']
  readonly shown: { readonly code: string } | null
}) {
  return shown?.code === failure.code ? null : <FailureNotice failure={failure} />
}
