import type { CeremonyDetail } from '../../../shared/ceremony.ts'
import { durationWords, type StoryStep, storyOf } from '../../../shared/ceremony-words.ts'
import { utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { CeremonyFacts } from './CeremonyFacts.tsx'
import { DigestInWords } from './DigestInWords.tsx'

/** All that happened, as the transcript has it: read here, and printed as it is seen. */
export function TranscriptText({ detail }: { readonly detail: CeremonyDetail }) {
  const { plan, records, summary } = detail
  const { steps, deviations } = storyOf(plan, records)
  const people = records.flatMap((record) =>
    record.event === 'ceremony-step-ended' ? (record.result.people ?? []) : [],
  )
  return (
    <article className="printed ceremony-transcript" aria-label="Transcript">
      <h2>
        <UntrustedText text={plan.script.title} />
      </h2>
      <CeremonyFacts
        facts={[
          { label: 'Ceremony', form: 'text', value: summary.id },
          {
            label: 'Outcome',
            form: 'text',
            value: `${summary.state}, ${deviations.length} ${deviations.length === 1 ? 'deviation' : 'deviations'}`,
          },
          { label: 'Begun', form: 'text', value: utc(summary.begunAt) },
          { label: 'Ended', form: 'text', value: summary.endedAt === null ? 'open' : utc(summary.endedAt) },
          { label: 'SHA-256 of the script', form: 'digest', value: plan.scriptSha256 },
          ...Object.entries(plan.parameters).map(([label, value]) => ({ label, form: 'text' as const, value })),
        ]}
      />
      {summary.transcriptSha256 === null ? null : (
        <section>
          <h3>SHA-256 of the transcript</h3>
          <DigestInWords hex={summary.transcriptSha256} />
        </section>
      )}
      <section>
        <h3>Deviations</h3>
        {deviations.length === 0 ? (
          <p>None was recorded.</p>
        ) : (
          <ul className="ceremony-deviations">
            {deviations.map(({ n, at, by, reason, step, effect }) => (
              <li key={n}>
                <span className="mono">{utc(at)}</span> {step === null ? 'The whole' : `Step ${step}`}
                {effect === 'skipped' ? ' was not done' : ''}, by <UntrustedText text={by} />:{' '}
                <UntrustedText text={reason} multiline />
              </li>
            ))}
          </ul>
        )}
      </section>
      {steps.map((step) => (
        <TranscriptStep key={step.id} step={step} />
      ))}
      <section>
        <h3>Signed by hand</h3>
        <table className="ceremony-hands">
          <thead>
            <tr>
              <th scope="col">Role</th>
              <th scope="col">Name</th>
              <th scope="col">Date and signature</th>
            </tr>
          </thead>
          <tbody>
            {people.map(({ role, name }, index) => (
              <tr key={index}>
                <td>
                  <UntrustedText text={role} />
                </td>
                <td>
                  <UntrustedText text={name} />
                </td>
                <td />
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="small muted">
        Paper proves nothing by itself. What it says is checked with the evidence and the audit log.
      </p>
    </article>
  )
}

function TranscriptStep({ step }: { readonly step: StoryStep }) {
  const { number, title, kind, text, startedAt, endedAt, outcome, lines } = step
  return (
    <section className={`ceremony-story ceremony-story-${outcome}`}>
      <h3>
        {number}. <UntrustedText text={title} />{' '}
        <span className="small muted">
          {kind} · {outcome === 'skipped' ? 'NOT DONE' : outcome}
          {startedAt === null || endedAt === null ? '' : ` · ${durationWords(startedAt, endedAt)}`}
        </span>
      </h3>
      {text === null ? null : (
        <p className="small ceremony-told">
          <UntrustedText text={text} multiline />
        </p>
      )}
      {lines.map(({ at, what, facts, tone }, index) => (
        <div key={index} className={`ceremony-line ceremony-line-${tone}`}>
          <p>
            <span className="mono small">{utc(at).slice(0, 19)}</span> <UntrustedText text={what} />
          </p>
          {facts.length === 0 ? null : <CeremonyFacts facts={facts} />}
        </div>
      ))}
    </section>
  )
}
