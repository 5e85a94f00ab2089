import { useEffect, useState } from 'react'
import type { RequestDetail } from '../../../shared/request.ts'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import { FactList } from '../../parts/FactList.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useNow } from '../../parts/use-now.ts'
import { useAction } from '../../station/station-queries.ts'
import { Artifacts } from './Artifacts.tsx'
import { CheckList } from './CheckList.tsx'
import { DecisionPanel } from './DecisionPanel.tsx'
import { KeySection } from './KeySection.tsx'
import { NamedKeys } from './NamedKeys.tsx'
import { type SheetView, sheetView } from './sheet-view.ts'
import './sheet.css'

/** Files added to the page in one frame: 200 files appear without the window freezing. */
const filesAFrame = 20

/** The review sheet: what, for whom, with which key; who asked; checks; files; and, last, the decision. */
export function Sheet({
  detail,
  sheet,
  sheetDigest,
}: {
  readonly detail: RequestDetail
  readonly sheet: ReviewSheet
  readonly sheetDigest: NonNullable<RequestDetail['sheetDigest']>
}) {
  const view = sheetView(detail, sheet, useNow())
  const inReview = detail.summary.stage === 'review'
  const shownFiles = useGradually(view.fileCount)
  const complete = shownFiles >= view.fileCount
  const opened = useSheetShown(detail, sheetDigest, inReview && complete)
  const [words, setWords] = useState(false)
  return (
    <div className="sheet">
      <div className="sheet-main">
        <Headline view={view} inReview={inReview} />
        <section className="section" aria-labelledby="sheet-asked">
          <h2 id="sheet-asked">Who asks</h2>
          <div className="card card-pad">
            <FactList facts={view.asked} />
          </div>
        </section>
        {view.keys.length > 1 ? <KeySection keys={view.keys} words={words} /> : null}
        <CheckList checks={view.checks} counts={view.checkCounts} />
        <Artifacts view={view} detail={detail} shownFiles={shownFiles} words={words} onWords={setWords} />
      </div>
      <DecisionPanel
        view={view}
        detail={detail}
        sheetDigest={sheetDigest}
        words={words}
        ready={complete && opened.ok}
        waitingFor={
          !complete
            ? `Showing file ${shownFiles} of ${view.fileCount} …`
            : opened.ok
              ? null
              : 'Recording that this sheet was shown …'
        }
        openFailure={opened.failure}
      />
    </div>
  )
}

function Headline({ view, inReview }: { readonly view: SheetView; readonly inReview: boolean }) {
  const { headline } = view
  return (
    <p className="headline">
      {inReview ? 'Sign' : 'The request:'} <strong>{headline.files}</strong>
      {headline.skipped === 0 ? '' : ` (${headline.skipped} more skipped)`} for <strong>{headline.from}</strong>{' '}
      {headline.workspace === null ? null : (
        <>
          in{' '}
          <strong>
            <UntrustedText text={headline.workspace} exact />
          </strong>{' '}
        </>
      )}
      <NamedKeys keys={view.keys} />
    </p>
  )
}

/** Counts up to `total`, some each frame, after each of them was painted. */
function useGradually(total: number): number {
  const [shown, setShown] = useState(Math.min(total, filesAFrame))
  useEffect(() => {
    if (shown >= total) return
    const frame = requestAnimationFrame(() => setShown((before) => Math.min(total, before + filesAFrame)))
    return () => cancelAnimationFrame(frame)
  }, [shown, total])
  return shown
}

/** Tells main once that this very sheet is in front of the operator; only then can it be approved. */
function useSheetShown(detail: RequestDetail, sheetDigest: NonNullable<RequestDetail['sheetDigest']>, shown: boolean) {
  const requestId = detail.summary.id
  const [state, setState] = useState<'not-yet' | 'recorded' | 'failed'>('not-yet')
  const open = useAction((station, digest: typeof sheetDigest) =>
    station.reviewOpen({ requestId, sheetDigest: digest }),
  )
  useEffect(() => {
    if (!shown || state !== 'not-yet') return
    let current = true
    void open.run(sheetDigest).then((result) => {
      if (current) setState(result.ok ? 'recorded' : 'failed')
    })
    return () => {
      current = false
    }
    // `open` is new on each render and means the same; a sheet with another digest is another component.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [shown, state, sheetDigest])
  return { ok: state === 'recorded', failure: state === 'failed' ? open.failure : null }
}
