import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { CeremonyId, ReadScript } from '../../../shared/ceremony.ts'
import { Button } from '../../design/Button.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { ceremoniesQuery, ceremonyQuery, useCeremonyInvalidation } from '../../station/ceremony-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { ChooseScript } from './ChooseScript.tsx'
import { progressWords } from './ceremony-view.ts'
import { PlanPanel } from './PlanPanel.tsx'
import { RunningCeremony } from './RunningCeremony.tsx'
import { SealedCeremony } from './SealedCeremony.tsx'
import './ceremony.css'

/** Key ceremonies. One that is open comes first, whatever else there is: after a restart it goes on where it was. */
export function CeremonyScreen() {
  useCeremonyInvalidation()
  const station = useStation()
  const ceremonies = useQuery(ceremoniesQuery(station))
  const [chosen, setChosen] = useState<ReadScript | null>(null)
  const [looking, setLooking] = useState<CeremonyId | null>(null)
  const open = ceremonies.data?.find(({ state }) => state === 'open')?.id ?? null
  const shown = open ?? looking
  if (shown !== null)
    return (
      <OneCeremony
        key={shown}
        id={shown}
        onOpened={() => setLooking(shown)}
        onBack={() => {
          setChosen(null)
          setLooking(null)
        }}
      />
    )
  return (
    <Page title="Ceremony" note={null} onBack={chosen === null ? null : () => setChosen(null)}>
      {ceremonies.isError ? <FailureNotice failure={failureFrom(ceremonies.error)} /> : null}
      {chosen === null ? (
        <ChooseScript past={ceremonies.data ?? []} onChoose={setChosen} onOpen={setLooking} />
      ) : (
        <PlanPanel read={chosen} onBack={() => setChosen(null)} />
      )}
    </Page>
  )
}

function OneCeremony({
  id,
  onOpened,
  onBack,
}: {
  readonly id: CeremonyId
  readonly onOpened: () => void
  readonly onBack: () => void
}) {
  const station = useStation()
  const query = useQuery(ceremonyQuery(station, id))
  // It stays in sight when it is sealed and no longer the open one.
  useState(onOpened)
  if (query.data === undefined)
    return (
      <Page title="Ceremony" note={null} onBack={onBack}>
        {query.isError ? <FailureNotice failure={failureFrom(query.error)} /> : null}
      </Page>
    )
  const detail = query.data
  const running = detail.summary.state === 'open'
  return (
    <Page
      title="Ceremony"
      note={<UntrustedText text={`${detail.plan.script.title} · ${progressWords(detail)}`} />}
      onBack={running ? null : onBack}
    >
      {running ? <RunningCeremony detail={detail} /> : <SealedCeremony detail={detail} />}
    </Page>
  )
}

function Page({
  title,
  note,
  onBack,
  children,
}: {
  readonly title: string
  readonly note: React.ReactNode
  readonly onBack: (() => void) | null
  readonly children: React.ReactNode
}) {
  const heading = usePageHeading()
  return (
    <div className="screen printed-screen">
      <header className="screen-head not-printed">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {note === null ? null : <span className="muted">{note}</span>}
        <span className="grow" />
        {onBack === null ? null : (
          <Button variant="quiet" size="s" icon="back" onPress={onBack}>
            All ceremonies
          </Button>
        )}
      </header>
      <div className="screen-body screen-scroll printed-scroll ceremony-body">{children}</div>
    </div>
  )
}
