import { useQuery } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useState } from 'react'
import type { RequestId } from '../../../shared/ids.ts'
import type { RequestDetail } from '../../../shared/request.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { outcomeWords, stageWords } from '../../parts/wording.ts'
import { logPlace, type RequestsTab } from '../../place.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { requestQuery } from '../../station/station-queries.ts'
import { HeldNotice } from './HeldNotice.tsx'
import { KeyRequest } from './KeyRequest.tsx'
import { Sheet } from './Sheet.tsx'
import { StagePanel } from './StagePanel.tsx'
import './review.css'

/** One request, at whatever stage it is. */
export function RequestScreen({ requestId, tab }: { readonly requestId: RequestId; readonly tab: RequestsTab }) {
  const { go } = useNavigation()
  const station = useStation()
  const query = useQuery(requestQuery(station, requestId))
  const back = () => go({ screen: 'requests', tab, open: null })
  useEscape(back)
  return (
    <div className="screen">
      <header className="screen-head review-head">
        <Button variant="quiet" size="s" icon="back" onPress={back}>
          Requests
        </Button>
        {query.data === undefined ? null : <Title detail={query.data} />}
      </header>
      {query.isError ? (
        <div className="screen-body">
          <FailureNotice failure={failureFrom(query.error)} title="The request could not be read" />
        </div>
      ) : null}
      {query.data === undefined ? null : <RequestBody detail={query.data} />}
    </div>
  )
}

function Title({ detail }: { readonly detail: RequestDetail }) {
  const heading = usePageHeading()
  const { go } = useNavigation()
  const { summary } = detail
  const state = summary.outcome === null ? stageWords[summary.stage] : outcomeWords[summary.outcome]
  return (
    <>
      <h1 ref={heading} tabIndex={-1} className="review-title">
        <UntrustedText text={summary.title} truncate />
      </h1>
      <Badge tone={state.tone}>{state.text}</Badge>
      <span className="grow" />
      <Button
        variant="quiet"
        size="s"
        icon="audit"
        onPress={() => go(logPlace('station', { requestId: summary.id }, detail.auditSeqs.at(-1) ?? null))}
      >
        {detail.auditSeqs.length} audit {detail.auditSeqs.length === 1 ? 'entry' : 'entries'}
      </Button>
    </>
  )
}

function RequestBody({ detail }: { readonly detail: RequestDetail }) {
  const [readDigest, setReadDigest] = useState(detail.sheetDigest)
  const changed = detail.summary.stage === 'review' && readDigest !== null && detail.sheetDigest !== readDigest
  return (
    <div className="review-body">
      {changed ? (
        <Notice
          tone="attention"
          live
          title="This sheet is new"
          actions={
            <Button size="s" onPress={() => setReadDigest(detail.sheetDigest)}>
              I read the new one
            </Button>
          }
        >
          Something changed since you opened the request, and the station made the sheet anew. What you had ticked is
          gone; read it again.
        </Notice>
      ) : null}
      <HeldNotice detail={detail} />
      <StagePanel detail={detail} />
      {/* A new wish is a new component: nothing typed for the old one survives. */}
      {detail.generation === null ? null : <KeyRequest key={detail.sheetDigest} detail={detail} />}
      {detail.sheet === null || detail.sheetDigest === null ? null : (
        // A new sheet is a new component: nothing ticked or typed for the old one survives.
        <Sheet key={detail.sheetDigest} detail={detail} sheet={detail.sheet} sheetDigest={detail.sheetDigest} />
      )}
    </div>
  )
}

function useEscape(leave: () => void): void {
  const latest = useEffectEvent(leave)
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.repeat) return
      if (document.querySelector('[role="dialog"], [role="alertdialog"]') !== null) return
      latest()
    }
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}
