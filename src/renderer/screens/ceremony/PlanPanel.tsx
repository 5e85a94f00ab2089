import { useState } from 'react'
import type { CeremonyPlan, ReadScript } from '../../../shared/ceremony.ts'
import { stepKindWords } from '../../../shared/ceremony-words.ts'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { stepDetails } from './ceremony-view.ts'
import { DigestInWords } from './DigestInWords.tsx'

/** What will be done, filled in and shown whole, before anything is begun. */
export function PlanPanel({ read, onBack }: { readonly read: ReadScript; readonly onBack: () => void }) {
  const { script, source } = read
  const [parameters, setParameters] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(script.parameters.map(({ id, value }) => [id, value])),
  )
  const [plan, setPlan] = useState<CeremonyPlan | null>(null)
  const look = useAction((api, input: Parameters<typeof api.ceremonyPlan>[0]) => api.ceremonyPlan(input))
  const begin = useAction((api, input: Parameters<typeof api.ceremonyBegin>[0]) => api.ceremonyBegin(input))
  const open = script.parameters.some(({ id }) => (parameters[id] ?? '').trim() === '')

  async function fill() {
    const filled = await look.run({ source, parameters })
    setPlan(filled.ok ? filled.value : null)
  }

  return (
    <>
      <section className="section" aria-labelledby="plan-title">
        <h2 id="plan-title">
          <UntrustedText text={script.title} />
        </h2>
        <p>
          <UntrustedText text={script.purpose} multiline />
        </p>
      </section>
      {script.parameters.length === 0 ? null : (
        <section className="section card card-pad" aria-labelledby="plan-parameters">
          <h2 id="plan-parameters">Filled in for this ceremony</h2>
          <div className="ceremony-parameters">
            {script.parameters.map(({ id, label }) => (
              <Field
                key={id}
                label={<UntrustedText text={label} />}
                value={parameters[id] ?? ''}
                onChange={(value) => {
                  setPlan(null)
                  setParameters((before) => ({ ...before, [id]: value }))
                }}
                maxLength={200}
                isRequired
              />
            ))}
          </div>
        </section>
      )}
      {look.failure === null ? null : <FailureNotice failure={look.failure} />}
      {begin.failure === null ? null : <FailureNotice failure={begin.failure} />}
      {plan === null ? (
        <div className="row">
          <Button onPress={onBack}>Back</Button>
          <Button variant="primary" isDisabled={open} isPending={look.pending} onPress={() => void fill()}>
            Show the plan
          </Button>
          {open ? <span className="small muted">Everything has to be filled in.</span> : null}
        </div>
      ) : (
        <>
          <section className="section" aria-labelledby="plan-steps">
            <h2 id="plan-steps">
              The plan <span className="muted">{plan.script.steps.length} steps</span>
            </h2>
            <ol className="card ceremony-plan">
              {plan.script.steps.map((step, index) => (
                <li key={step.id}>
                  <span className="ceremony-number">{index + 1}</span>
                  <div>
                    <p>
                      <strong>
                        <UntrustedText text={step.title} />
                      </strong>{' '}
                      <span className="muted small">{stepKindWords[step.kind]}</span>
                    </p>
                    {step.text === undefined ? null : (
                      <p className="small ceremony-told">
                        <UntrustedText text={step.text} multiline />
                      </p>
                    )}
                    <p className="small muted">
                      <UntrustedText
                        text={stepDetails(step)
                          .map(({ label, value }) => `${label}: ${value}`)
                          .join(' · ')}
                      />
                    </p>
                  </div>
                </li>
              ))}
            </ol>
          </section>
          <section className="section card card-pad" aria-labelledby="plan-digest">
            <h2 id="plan-digest">SHA-256 of the script’s file</h2>
            <DigestInWords hex={plan.scriptSha256} />
            <p className="small muted">
              Compare it with the approved script. From here on every step is in the audit log, and none can be left out
              without a reason on record.
            </p>
          </section>
          <div className="row">
            <Button onPress={onBack}>Back</Button>
            <Button
              variant="primary"
              isPending={begin.pending}
              onPress={() => void begin.run({ source, parameters, planSha256: plan.planSha256 })}
            >
              Begin the ceremony
            </Button>
          </div>
        </>
      )}
    </>
  )
}
