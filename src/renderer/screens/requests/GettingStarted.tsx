import { useQuery } from '@tanstack/react-query'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { Icon } from '../../design/Icon.tsx'
import { useNavigation } from '../../navigation.tsx'
import { useStation } from '../../station/station-context.tsx'
import { keysQuery, statusQuery } from '../../station/station-queries.ts'
import { gettingStarted, type Step } from './getting-started-view.ts'

/** In hand is empty: either all is set up and nobody wants anything, or something is missing, and this says what. */
export function GettingStarted() {
  const station = useStation()
  const status = useQuery(statusQuery(station))
  const keys = useQuery(keysQuery(station))
  if (status.data === undefined || keys.isPending) return null
  const steps = gettingStarted(status.data, keys.data ?? [])
  if (steps.every((step) => step.state === 'done')) {
    return (
      <EmptyState title="Nothing in hand">
        This station is on duty. When the server sends a request, it appears here; nothing is signed before you have
        seen it.
      </EmptyState>
    )
  }
  return (
    <EmptyState title="Before the first request">
      <ol className="steps">
        {steps.map((step, index) => (
          <StepRow key={step.id} step={step} number={index + 1} />
        ))}
      </ol>
    </EmptyState>
  )
}

const words = { done: 'Done', now: 'Next step', later: 'Later' } as const

function StepRow({ step, number }: { readonly step: Step; readonly number: number }) {
  const { go } = useNavigation()
  return (
    <li className={`step step-${step.state}`} aria-current={step.state === 'now' ? 'step' : undefined}>
      <span className="step-mark">
        {step.state === 'done' ? <Icon name="passed" size={14} /> : <span aria-hidden="true">{number}</span>}
      </span>
      <div>
        <p className="step-title">
          {step.title}
          <span className="visually-hidden">: {words[step.state]}</span>
        </p>
        <p className="small">{step.text}</p>
        {step.state === 'now' ? <StepAction id={step.id} go={go} /> : null}
      </div>
    </li>
  )
}

function StepAction({ id, go }: { readonly id: Step['id']; readonly go: ReturnType<typeof useNavigation>['go'] }) {
  switch (id) {
    case 'server':
    case 'enrol':
      return <Button onPress={() => go({ screen: 'settings' })}>Open Settings</Button>
    case 'key':
      return <Button onPress={() => go({ screen: 'keys' })}>Open Keys &amp; tokens</Button>
    case 'enable':
      return <p className="small">Nothing to do here: the station notices when it is enabled.</p>
    case 'duty':
      return <p className="small">The button for it is at the right end of the bottom line.</p>
  }
}
