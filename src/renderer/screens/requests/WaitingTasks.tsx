import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { WaitingTask } from '../../../shared/waiting.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { count, utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { statusQuery, waitingQuery } from '../../station/station-queries.ts'
import { AnswerDialog } from './AnswerDialog.tsx'
import { TakeDialog } from './TakeDialog.tsx'
import { waitingTaskView } from './waiting-view.ts'
import './waiting.css'

type Asked =
  | { readonly kind: 'answer'; readonly task: Extract<WaitingTask, { kind: 'confirm' }>; readonly confirm: boolean }
  | { readonly kind: 'take'; readonly task: Extract<WaitingTask, { kind: 'external-debsign' }> }

/** What waits at the server for the person whose API token is set. */
export function WaitingTasks() {
  const station = useStation()
  const cache = useQueryClient()
  const { go } = useNavigation()
  const status = useQuery(statusQuery(station))
  const tokenSet = status.data?.userTokenSet === true
  const query = useQuery({ ...waitingQuery(station), enabled: tokenSet })
  const [asked, setAsked] = useState<Asked | null>(null)
  const [said, setSaid] = useState<string | null>(null)
  const askAgain = () => void cache.invalidateQueries({ queryKey: ['requests', 'waiting'] })
  if (status.data !== undefined && !tokenSet) {
    return (
      <EmptyState
        title="What waits for you is not visible"
        actions={<Button onPress={() => go({ screen: 'settings' })}>Open Settings</Button>}
      >
        Some tasks are given to no worker: uploads that wait for their maker’s own signature, and questions that hold up
        a workflow. With your own API token under Settings they are listed here.
      </EmptyState>
    )
  }
  if (query.isPending) return <p className="muted">Asking the server …</p>
  if (query.isError)
    return (
      <FailureNotice
        failure={failureFrom(query.error)}
        title="What waits for you could not be read"
        actions={<Button onPress={askAgain}>Ask again</Button>}
      />
    )
  const { tasks, user, ofOthers, asOf } = query.data
  return (
    <>
      <div className="row next-head">
        <p className="grow">
          <strong>
            For <UntrustedText text={user} />.
          </strong>{' '}
          <span className="muted">
            As the server showed it at {utc(asOf)}; asked again every minute.
            {ofOthers === 0 ? '' : ` ${count(ofOthers, 'upload')} for the signatures of others.`}
          </span>
        </p>
        <Button size="s" icon="refresh" isPending={query.isFetching} onPress={askAgain}>
          Ask again
        </Button>
      </div>
      {said === null ? null : (
        <Notice live title="What became of the answer">
          <UntrustedText text={said} />
        </Notice>
      )}
      {tasks.length === 0 ? (
        <EmptyState title="Nothing waits for you">
          No upload waits for your signature, and no question for your answer.
        </EmptyState>
      ) : (
        <ul className="waiting-list" aria-label="What waits for you at the server">
          {tasks.map((task) => (
            <WaitingCard key={task.workRequestId} task={task} onAsk={setAsked} />
          ))}
        </ul>
      )}
      {asked?.kind === 'answer' ? (
        <AnswerDialog
          {...asked}
          onAnswered={(sentence) => {
            setSaid(sentence)
            askAgain()
          }}
          onClose={() => setAsked(null)}
        />
      ) : null}
      {asked?.kind === 'take' ? <TakeDialog task={asked.task} onClose={() => setAsked(null)} /> : null}
    </>
  )
}

function WaitingCard({ task, onAsk }: { readonly task: WaitingTask; readonly onAsk: (asked: Asked) => void }) {
  const { go } = useNavigation()
  const view = waitingTaskView(task)
  const heading = `waiting-${view.id}`
  return (
    <li className="waiting-card" aria-labelledby={heading}>
      <div className="row">
        <h2 id={heading} className="waiting-title grow">
          <UntrustedText text={view.title} />
        </h2>
        <Badge tone="accent">{view.what}</Badge>
      </div>
      <dl className="waiting-facts">
        {view.facts.map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <UntrustedText text={value} />
            </dd>
          </div>
        ))}
      </dl>
      {view.note === null ? null : <p className="small muted">{view.note}</p>}
      <div className="row waiting-actions">
        {task.kind === 'confirm' ? (
          <>
            <Button
              variant="primary"
              isDisabled={task.unsettled !== null}
              onPress={() => onAsk({ kind: 'answer', task, confirm: true })}
            >
              Confirm: <UntrustedText text={task.words.confirmLabel} />
            </Button>
            <Button
              variant="danger"
              isDisabled={task.unsettled !== null}
              onPress={() => onAsk({ kind: 'answer', task, confirm: false })}
            >
              Refuse: <UntrustedText text={task.words.denyLabel} />
            </Button>
          </>
        ) : (
          <UploadAction task={task} onTake={() => onAsk({ kind: 'take', task })} onOpen={go} />
        )}
      </div>
    </li>
  )
}

function UploadAction({
  task,
  onTake,
  onOpen,
}: {
  readonly task: Extract<WaitingTask, { kind: 'external-debsign' }>
  readonly onTake: () => void
  readonly onOpen: ReturnType<typeof useNavigation>['go']
}) {
  const { inHand } = task
  if (inHand !== null)
    return <Button onPress={() => onOpen({ screen: 'requests', tab: 'in-hand', open: inHand })}>Open the review</Button>
  return (
    <Button variant="primary" isDisabled={task.endedHere !== null} onPress={onTake}>
      Take to review …
    </Button>
  )
}
