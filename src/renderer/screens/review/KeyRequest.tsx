import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { tokenKind } from '../../../shared/key-place.ts'
import { isOpenPgp } from '../../../shared/openpgp-purpose.ts'
import type { RequestDetail } from '../../../shared/request.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Digest } from '../../design/Digest.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { useStation } from '../../station/station-context.tsx'
import { settingsQuery, tokensQuery, useAction } from '../../station/station-queries.ts'
import { GenerateDialog } from '../keys/GenerateDialog.tsx'
import { GenerationProgress } from '../keys/GenerationProgress.tsx'
import { DeclineDialog } from './DeclineDialog.tsx'
import { continues, type PlaceOption, placeOptions, wantsPlace, wishFacts } from './key-request-view.ts'

type Serving = PlaceOption | { readonly kind: 'continue' } | { readonly kind: 'decline' }

/** A request for a key: what it asks for, and where a person has it made. */
export function KeyRequest({ detail }: { readonly detail: RequestDetail }) {
  const station = useStation()
  const settings = useQuery(settingsQuery(station))
  const tokens = useQuery(tokensQuery(station))
  const [serving, setServing] = useState<Serving | null>(null)
  const { generation, sheetDigest, summary } = detail
  // Only what was on the screen can be approved; main keeps when that was.
  useEffect(() => {
    if (sheetDigest !== null && summary.stage === 'review')
      void station.reviewOpen({ requestId: summary.id, sheetDigest })
  }, [station, sheetDigest, summary.id, summary.stage])
  if (generation === null || sheetDigest === null) return null
  const seen = tokens.data?.tokens ?? []
  const options =
    settings.data === undefined
      ? []
      : placeOptions(
          settings.data.keyRequests,
          generation.wish.purpose,
          seen.filter(({ problem }) => problem === null).map(({ token }) => token),
        )
  return (
    <section className="section" aria-labelledby="key-request">
      <h2 id="key-request">What is asked for</h2>
      <div className="card card-pad">
        <FactList facts={wishFacts(generation.wish)} />
        <p className="small muted">Digest of what is asked for: your decision is bound to it.</p>
        <Digest hex={sheetDigest} />
      </div>
      {wantsPlace(detail) ? (
        <>
          <h2>Where it is made</h2>
          {options.length === 0 ? (
            <Notice tone="attention">
              No place is left: the settings allow none of the tokens that are here, and no key in software. Plug the
              token in, or decline.
            </Notice>
          ) : null}
          <div className="row">
            {options.map((option) => (
              <Button key={option.label} onPress={() => setServing(option)}>
                {option.label}
              </Button>
            ))}
            <span className="grow" />
            {summary.stage === 'review' ? (
              <Button variant="danger" onPress={() => setServing({ kind: 'decline' })}>
                Decline …
              </Button>
            ) : null}
          </div>
        </>
      ) : null}
      {continues(detail) ? (
        <div className="row">
          <Button onPress={() => setServing({ kind: 'continue' })}>Go on with the key …</Button>
        </div>
      ) : null}
      {serving === null ? null : <ServeDialog detail={detail} serving={serving} onClose={() => setServing(null)} />}
    </section>
  )
}

function ServeDialog({
  detail,
  serving,
  onClose,
}: {
  readonly detail: RequestDetail
  readonly serving: Serving
  readonly onClose: () => void
}) {
  const station = useStation()
  const tokens = useQuery(tokensQuery(station))
  type Place = Parameters<typeof station.generationServe>[0]['place']
  const requestId = detail.summary.id
  const serve = useAction((api, place: Place) =>
    detail.sheetDigest === null
      ? api.reviewRecheck({ requestId }).then(() => ({ ok: true, value: null }) as const)
      : api.generationServe({ requestId, sheetDigest: detail.sheetDigest, place }),
  )
  const { generation } = detail
  if (generation === null) return null
  if (serving.kind === 'decline') return <DeclineDialog requestId={requestId} onClose={onClose} />
  if (serving.kind === 'software') {
    return (
      <Dialog
        title="Make the key in software?"
        role="alertdialog"
        isOpen
        onClose={onClose}
        actions={
          <>
            <Button onPress={onClose} autoFocus>
              Cancel
            </Button>
            <Button
              variant="primary"
              isPending={serve.pending}
              onPress={() => void serve.run({ kind: 'software' }).then((served) => (served.ok ? onClose() : null))}
            >
              Approve and make the test key
            </Button>
          </>
        }
      >
        <Notice tone="attention" title="For tests only">
          No token guards this key: whoever copies this station’s folder has the key, and it signs without a PIN. It can
          never be marked as a production key.
        </Notice>
        {serve.failure === null ? null : <FailureNotice failure={serve.failure} />}
      </Dialog>
    )
  }
  if (serving.kind === 'continue') {
    const token = generation.made?.plan.token ?? null
    return (
      <PinDialog
        title="Have the key sign its certificate?"
        token={token}
        confirm="Go on"
        pending={serve.pending}
        managementKey={token !== null && tokenKind(token) === 'piv'}
        onConfirm={({ pin, officerPin, useLastTry }) =>
          serve.run({ kind: 'continue', pin: pin ?? '', officerPin, useLastTry })
        }
        onClose={onClose}
      >
        <p>The key is on the token already. It signs its certificate and proves that it is still there.</p>
        <GenerationProgress />
      </PinDialog>
    )
  }
  const { token } = serving
  const objects = tokens.data?.tokens.find((seen) => seen.token.id.serial === token.id.serial)?.objects ?? []
  return (
    <GenerateDialog
      token={token}
      objects={objects}
      description={generation.wish.description}
      purpose={isOpenPgp(generation.wish.purpose) ? generation.wish.purpose : 'uefi'}
      mayRequest={false}
      confirm="Approve and make the key"
      pending={serve.pending}
      onConfirm={(plan, { pin, officerPin, useLastTry }) =>
        serve.run({ kind: 'token', plan, pin, officerPin, useLastTry })
      }
      onClose={onClose}
    />
  )
}
