import { useState } from 'react'
import type { CeremonyDetail } from '../../../shared/ceremony.ts'
import { Button } from '../../design/Button.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { useAction } from '../../station/station-queries.ts'
import { CeremonyFacts } from './CeremonyFacts.tsx'
import { peopleOf, stepRows } from './ceremony-view.ts'
import { DeviationDialog } from './DeviationDialog.tsx'
import { StepList } from './StepList.tsx'
import { StepPanel } from './StepPanel.tsx'

/** A ceremony that is open: the list of its steps, and the one that is due. */
export function RunningCeremony({ detail }: { readonly detail: CeremonyDetail }) {
  const { summary, plan, steps, now, records } = detail
  const [dialog, setDialog] = useState<'deviation' | 'abandon' | null>(null)
  const deviate = useAction((api, input: Parameters<typeof api.ceremonyDeviate>[0]) => api.ceremonyDeviate(input))
  const end = useAction((api, input: Parameters<typeof api.ceremonyEnd>[0]) => api.ceremonyEnd(input))
  const step = now === null ? null : (plan.script.steps[now] ?? null)
  const last = steps.findLastIndex(({ kind }) => kind === 'done')
  const lastState = steps[last]
  const people = peopleOf(records)
  return (
    <div className="ceremony-running">
      <StepList rows={stepRows(detail)} />
      <div className="ceremony-main">
        {now === null ? (
          <section className="card card-pad ceremony-step" aria-labelledby="ceremony-end">
            <h2 id="ceremony-end">All steps are done</h2>
            <p>
              Sealing writes the SHA-256 of the transcript into the audit log. After it nothing of this ceremony can be
              added or changed; it can be printed, signed by hand, and handed out as evidence.
            </p>
            <div className="row">
              <Button
                variant="primary"
                isPending={end.pending}
                onPress={() => void end.run({ id: summary.id, outcome: 'completed' })}
              >
                Seal the transcript
              </Button>
            </div>
          </section>
        ) : (
          // Another step has other fields: what was typed in one is not carried to the next.
          <StepPanel key={step?.id} detail={detail} index={now} />
        )}
        {end.failure === null ? null : <FailureNotice failure={end.failure} />}
        <div className="row">
          <Button onPress={() => setDialog('deviation')}>Record a deviation …</Button>
          <span className="grow" />
          <Button variant="quiet" onPress={() => setDialog('abandon')}>
            Abandon the ceremony …
          </Button>
        </div>
        {lastState?.kind === 'done' && lastState.result.facts.length > 0 ? (
          <section className="card card-pad ceremony-last" aria-label="What the last step found">
            <h2>{plan.script.steps[last]?.title}</h2>
            <CeremonyFacts facts={lastState.result.facts} />
          </section>
        ) : null}
        {summary.deviations === 0 ? null : (
          <Notice tone="attention" title="Deviations on record">
            <ul className="ceremony-deviations">
              {records.flatMap((record) =>
                record.event === 'ceremony-deviation'
                  ? [
                      <li key={record.n}>
                        {record.effect === 'skipped' ? 'Left out: ' : ''}
                        {record.step === null ? '' : `${record.step}, `}
                        {record.by}: {record.reason}
                      </li>,
                    ]
                  : [],
              )}
            </ul>
          </Notice>
        )}
      </div>
      {dialog === 'deviation' ? (
        <DeviationDialog
          title="Record a deviation"
          step={step?.title ?? null}
          people={people}
          maySkip={step !== null}
          confirm="Record the deviation"
          pending={deviate.pending}
          onConfirm={(answer) => deviate.run({ id: summary.id, step: step?.id ?? null, ...answer })}
          onClose={() => setDialog(null)}
        />
      ) : null}
      {dialog === 'abandon' ? (
        <DeviationDialog
          title="Abandon the ceremony?"
          step={null}
          people={people}
          maySkip={false}
          confirm="Abandon and seal"
          pending={deviate.pending || end.pending}
          onConfirm={async ({ by, reason }) => {
            const noted = await deviate.run({ id: summary.id, step: step?.id ?? null, effect: 'noted', by, reason })
            return noted.ok ? end.run({ id: summary.id, outcome: 'abandoned' }) : noted
          }}
          onClose={() => setDialog(null)}
        />
      ) : null}
    </div>
  )
}
