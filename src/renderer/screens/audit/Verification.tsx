import { Button } from '../../design/Button.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { plainNumber, shortSize } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import type { Work } from '../../station/log-queries.ts'
import type { ReportView } from './report-view.ts'

/** How far long work is, and the way to end it. */
export function WorkProgress({
  work,
  label,
  onCancel,
}: {
  readonly work: Extract<Work<unknown>, { kind: 'running' }>
  readonly label: string
  readonly onCancel: () => void
}) {
  const { done, total, unit } = work
  return (
    <section className="log-progress" aria-label={label}>
      <div className="row">
        <p className="grow">{label} …</p>
        <span className="muted">
          {unit === 'bytes'
            ? `copying: ${shortSize(done)}${total === null ? '' : ` of ${shortSize(total)}`}`
            : total === null || total === 0
              ? `${plainNumber(done)} entries`
              : `${plainNumber(done)} of ${plainNumber(total)} entries`}
        </span>
        <Button size="s" onPress={onCancel}>
          Cancel
        </Button>
      </div>
      {/* Without a value it shows that something goes on, and not how far. */}
      <progress
        className="progress-bar"
        aria-label={label}
        {...(total === null || total === 0 ? {} : { value: done, max: total })}
      />
    </section>
  )
}

/** The verdict, its reasons, and what was looked at. */
export function Report({
  view,
  onEntry,
  onDismiss,
}: {
  readonly view: ReportView
  readonly onEntry: ((seq: number) => void) | null
  /** Null: it stays for as long as its log is open. */
  readonly onDismiss: (() => void) | null
}) {
  const { bad, open } = view
  const actions = [
    bad === null || onEntry === null ? null : (
      <Button key="bad" size="s" onPress={() => onEntry(bad)}>
        Go to entry {plainNumber(bad)}
      </Button>
    ),
    open === null || onEntry === null ? null : (
      <Button key="open" size="s" onPress={() => onEntry(open)}>
        Go to the intent without outcome
      </Button>
    ),
    onDismiss === null ? null : (
      <Button key="dismiss" size="s" variant="quiet" onPress={onDismiss}>
        Put away
      </Button>
    ),
  ].filter((action) => action !== null)
  return (
    <Notice tone={view.tone} title={view.title} live actions={actions.length === 0 ? undefined : actions}>
      <p className="measure">
        <UntrustedText text={view.sentence} />
      </p>
      <ReportDoubts doubts={view.doubts} />
      <ReportFacts facts={view.facts} />
    </Notice>
  )
}

/** Why a log without a fault is still not shown to be whole. */
export function ReportDoubts({ doubts }: { readonly doubts: ReportView['doubts'] }) {
  return doubts.length === 0 ? null : (
    <ul className="report-doubts">
      {doubts.map((doubt) => (
        <li key={doubt}>
          <UntrustedText text={doubt} />
        </li>
      ))}
    </ul>
  )
}

export function ReportFacts({ facts }: { readonly facts: ReportView['facts'] }) {
  return (
    <dl className="report-facts">
      {facts.map(({ label, value }) => (
        <div key={`${label} ${value}`}>
          <dt>{label}</dt>
          <dd>
            <UntrustedText text={value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** The state of a verification, whichever it is; nothing where none was asked for. */
export function VerificationPanel({
  work,
  onCancel,
  onDismiss,
  onEntry,
}: {
  readonly work: Work<ReportView>
  readonly onCancel: () => void
  readonly onDismiss: () => void
  readonly onEntry: (seq: number) => void
}) {
  switch (work.kind) {
    case 'idle':
      return null
    case 'running':
      return <WorkProgress work={work} label="Verifying the log" onCancel={onCancel} />
    case 'failed':
      return (
        <FailureNotice
          failure={work.failure}
          title="The log was not verified"
          actions={
            <Button size="s" variant="quiet" onPress={onDismiss}>
              Put away
            </Button>
          }
        />
      )
    case 'done':
      return <Report view={work.value} onEntry={onEntry} onDismiss={onDismiss} />
  }
}
