import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { CeremonyId, CeremonySummary, ReadScript } from '../../../shared/ceremony.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { readyScriptsQuery } from '../../station/ceremony-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { useAction } from '../../station/station-queries.ts'

/** No ceremony is open: which one is to be held, and those that were. */
export function ChooseScript({
  past,
  onChoose,
  onOpen,
}: {
  readonly past: readonly CeremonySummary[]
  readonly onChoose: (script: ReadScript) => void
  readonly onOpen: (id: CeremonyId) => void
}) {
  const station = useStation()
  const ready = useQuery(readyScriptsQuery(station))
  const [path, setPath] = useState('')
  const read = useAction((api, input: Parameters<typeof api.ceremonyReadScript>[0]) => api.ceremonyReadScript(input))
  async function choose(source: ReadScript['source']) {
    const script = await read.run({ source })
    if (script.ok) onChoose(script.value)
  }
  return (
    <>
      <section className="section" aria-labelledby="ceremony-ready">
        <h2 id="ceremony-ready">Ready scripts</h2>
        {ready.isError ? <FailureNotice failure={failureFrom(ready.error)} /> : null}
        <div className="card">
          {ready.data?.map(({ name, script, problem }) => (
            <div key={name} className="ceremony-script">
              <div className="grow">
                <h3>
                  <UntrustedText text={script?.title ?? name} />
                </h3>
                <p className="muted">
                  <UntrustedText text={script?.purpose ?? problem?.message ?? ''} />
                </p>
              </div>
              <span className="muted small ceremony-count">
                {script === null ? '' : `${script.steps.length} steps`}
              </span>
              <Button
                isDisabled={script === null}
                isPending={read.pending}
                aria-label={`Look at the plan: ${script?.title ?? name}`}
                onPress={() => void choose({ kind: 'ready', name })}
              >
                Look at the plan
              </Button>
            </div>
          ))}
        </div>
      </section>
      <section className="section" aria-labelledby="ceremony-own">
        <h2 id="ceremony-own">A script of your own</h2>
        <div className="card card-pad ceremony-file">
          <div className="grow">
            <Field
              label="File of the script"
              value={path}
              onChange={setPath}
              mono
              placeholder="/media/usb/ceremony.json"
              description="JSON, as docs/formats/ceremony.md describes it. It is read, not run."
            />
          </div>
          <Button
            isDisabled={!path.startsWith('/')}
            isPending={read.pending}
            onPress={() => void choose({ kind: 'file', path: path.trim() })}
          >
            Read the script
          </Button>
        </div>
        {read.failure === null ? null : <FailureNotice failure={read.failure} />}
      </section>
      {past.length === 0 ? null : (
        <section className="section" aria-labelledby="ceremony-past">
          <h2 id="ceremony-past">Held here</h2>
          <div className="card">
            {past.map(({ id, title, state, begunAt, deviations }) => (
              <div key={id} className="ceremony-script">
                <div className="grow">
                  <h3>
                    <UntrustedText text={title} />
                  </h3>
                  <p className="muted small">
                    <span className="mono">{utc(begunAt)}</span> ·{' '}
                    {deviations === 0
                      ? 'no deviation'
                      : `${deviations} ${deviations === 1 ? 'deviation' : 'deviations'}`}
                  </p>
                </div>
                <Badge tone={state === 'completed' ? 'passed' : 'refused'}>
                  {state === 'completed' ? 'Sealed' : 'Abandoned, sealed'}
                </Badge>
                <Button aria-label={`Open: ${title}`} onPress={() => onOpen(id)}>
                  Open
                </Button>
              </div>
            ))}
          </div>
        </section>
      )}
    </>
  )
}
