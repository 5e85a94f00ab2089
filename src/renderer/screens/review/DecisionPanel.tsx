import { useState } from 'react'
import type { Failure } from '../../../shared/failure.ts'
import type { RequestDetail } from '../../../shared/request.ts'
import { KeyKindBadge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Checkbox } from '../../design/Choice.tsx'
import { Digest } from '../../design/Digest.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { StandingDialog } from '../standing/StandingDialog.tsx'
import { mayStand } from '../standing/standing-view.ts'
import { ApproveDialog } from './ApproveDialog.tsx'
import { DeclineDialog } from './DeclineDialog.tsx'
import { KeyList, kindClass } from './KeyList.tsx'
import type { KeyView } from './key-view.ts'
import { type DecisionView, decisionSentence, type SheetView } from './sheet-view.ts'
import './decision-panel.css'

type DecisionPanelProps = {
  readonly view: SheetView
  readonly detail: RequestDetail
  readonly sheetDigest: NonNullable<RequestDetail['sheetDigest']>
  readonly words: boolean
  /** The whole sheet is on the page and main has recorded that it was shown. */
  readonly ready: boolean
  readonly waitingFor: string | null
  readonly openFailure: Failure | null
}

/** The key, and the decision about it: last in reading order, always in sight. */
export function DecisionPanel(props: DecisionPanelProps) {
  const { view, detail, sheetDigest, words } = props
  return (
    <aside className="decision" aria-label="Key and decision">
      {/* Scrolls on its own, so the keyboard has to reach it. */}
      <div
        className="decision-key"
        role="group"
        aria-label={view.keys.length > 1 ? 'The keys' : 'The key'}
        tabIndex={0}
      >
        {view.keys.length > 1 ? <SeveralKeys view={view} /> : <OneKey view={view.keys[0]} words={words} />}
        <section className="sheet-digest" aria-label="Digest of this sheet">
          <h2 className="small">Digest of this sheet</h2>
          <p className="small muted">A decision is bound to it, and with it to the bytes of every file.</p>
          <Digest hex={sheetDigest} words={words} />
        </section>
      </div>
      <section className="decision-decide" aria-labelledby="decision-decide">
        <h2 id="decision-decide">Decision</h2>
        {detail.summary.stage === 'review' ? <Decide {...props} /> : <Decided detail={detail} />}
      </section>
    </aside>
  )
}

function OneKey({ view, words }: { readonly view: KeyView; readonly words: boolean }) {
  return (
    <section className={`card key-card ${kindClass(view.production)}`} aria-labelledby="decision-key">
      <h2 id="decision-key" className="decision-heading">
        Key
        {view.production === null ? null : <KeyKindBadge production={view.production} />}
      </h2>
      <p className="key-name">
        {view.description === null ? 'Not registered at this station' : <UntrustedText text={view.description} />}
      </p>
      <FactList facts={view.facts} words={words} compact />
    </section>
  )
}

/** Their names stay beside the decision; all that is known of each is in the sheet. */
function SeveralKeys({ view }: { readonly view: SheetView }) {
  return (
    <section className="card key-card-several" aria-labelledby="decision-key">
      <h2 id="decision-key" className="decision-heading">
        {view.keys.length} keys
        {view.production === null ? null : <KeyKindBadge production={view.production} />}
      </h2>
      <p className="small muted">One approval covers all of them. The file gets a signature of each, or of none.</p>
      <KeyList keys={view.keys} />
    </section>
  )
}

function Decided({ detail }: { readonly detail: RequestDetail }) {
  if (detail.decision === null) return <p className="muted">Nothing was decided here.</p>
  return (
    <>
      <p>
        <UntrustedText text={decisionSentence(detail.decision)} />
      </p>
      {detail.decision.reason === null ? null : (
        <p className="muted">
          Reason: <UntrustedText text={detail.decision.reason} multiline />
        </p>
      )}
    </>
  )
}

function Decide(props: DecisionPanelProps) {
  const { view, detail } = props
  const requestId = detail.summary.id
  const [declining, setDeclining] = useState(false)
  const [ahead, setAhead] = useState(false)
  const recheck = useAction((station, id: typeof requestId) => station.reviewRecheck({ requestId: id }))
  return (
    <>
      {view.decision.kind === 'blocked' ? (
        <Blocked decision={view.decision} />
      ) : (
        <Approvable {...props} decision={view.decision} />
      )}
      {props.openFailure === null ? null : (
        <FailureNotice failure={props.openFailure} title="The sheet cannot be approved yet" />
      )}
      {recheck.failure === null ? null : <FailureNotice failure={recheck.failure} />}
      <div className="row decision-others">
        <Button
          size="s"
          variant="quiet"
          icon="refresh"
          isPending={recheck.pending}
          onPress={() => void recheck.run(requestId)}
        >
          Check again
        </Button>
        {detail.sheet !== null && mayStand(detail.sheet) ? (
          <Button size="s" variant="quiet" isDisabled={!props.ready} onPress={() => setAhead(true)}>
            Approve ahead …
          </Button>
        ) : null}
        {ahead && detail.sheet !== null ? (
          <StandingDialog
            detail={detail}
            sheet={detail.sheet}
            sheetDigest={props.sheetDigest}
            onClose={() => setAhead(false)}
          />
        ) : null}
        <span className="grow" />
        <Button variant="danger" size="s" onPress={() => setDeclining(true)}>
          Decline …
        </Button>
      </div>
      {declining ? <DeclineDialog requestId={requestId} onClose={() => setDeclining(false)} /> : null}
    </>
  )
}

function Blocked({ decision }: { readonly decision: Extract<DecisionView, { kind: 'blocked' }> }) {
  return (
    <Notice tone="refused" title={decision.sentence}>
      <ul className="stack reasons">
        {decision.reasons.map((reason) => (
          <li key={reason.id}>
            <strong>{reason.question}.</strong> <UntrustedText text={reason.sentence} />
          </li>
        ))}
      </ul>
    </Notice>
  )
}

function Approvable({
  view,
  detail,
  sheetDigest,
  ready,
  waitingFor,
  decision,
}: DecisionPanelProps & { readonly decision: Extract<DecisionView, { kind: 'approvable' }> }) {
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const [approving, setApproving] = useState(false)
  const missing = decision.acknowledge.filter((item) => !ticked.has(item.id)).length
  const why = waitingFor ?? (missing > 0 ? `${missing} to tick before you can approve.` : null)
  return (
    <>
      {decision.acknowledge.length === 0 ? (
        <p className="muted">No check refuses, and none needs a word from you.</p>
      ) : (
        <fieldset className="acknowledge">
          <legend>To be acknowledged</legend>
          {decision.acknowledge.map((item) => (
            <Checkbox
              key={item.id}
              isSelected={ticked.has(item.id)}
              onChange={(selected) => {
                const next = new Set(ticked)
                if (selected) next.add(item.id)
                else next.delete(item.id)
                setTicked(next)
              }}
            >
              <span className="acknowledge-statement">{item.statement}</span>
              <span className="small muted">
                <UntrustedText text={item.about} />
              </span>
            </Checkbox>
          ))}
        </fieldset>
      )}
      <Button variant="primary" isDisabled={!ready || missing > 0} onPress={() => setApproving(true)}>
        Approve …
      </Button>
      <p className="small muted" role="status">
        {why ?? `Approves ${view.headline.files}, exactly as shown. Asks once more before it signs.`}
      </p>
      {approving ? (
        <ApproveDialog
          view={view}
          requestId={detail.summary.id}
          sheetDigest={sheetDigest}
          acknowledged={[...ticked]}
          onClose={() => setApproving(false)}
        />
      ) : null}
    </>
  )
}
