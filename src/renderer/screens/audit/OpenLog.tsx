import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { logPlace } from '../../place.ts'
import { foundLogsQuery, openedQuery } from '../../station/log-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { useReading } from '../../station/use-log-work.ts'
import { foundWords, openInput, pathProblem } from './opened-view.ts'
import { WorkProgress } from './Verification.tsx'

/** Which file to open: one that was found in the exports folder or on a medium, or any other by its path. */
export function OpenLog() {
  const cache = useQueryClient()
  const station = useStation()
  const { go } = useNavigation()
  const found = useQuery(foundLogsQuery(station))
  const [path, setPath] = useState('')
  const [vkey, setVkey] = useState('')
  const [checkpoint, setCheckpoint] = useState('')
  const reading = useReading((api, input: Parameters<typeof api.auditOpen>[0]) => api.auditOpen(input))
  const problem = pathProblem(path)
  async function open() {
    const answer = await reading.run(openInput({ path, vkey, checkpoint }))
    if (answer === null || !answer.ok) return
    // What is remembered of the file that was open before is of no use.
    cache.removeQueries({ queryKey: ['audit', 'list', 'opened'] })
    cache.removeQueries({ queryKey: ['audit', 'page', 'opened'] })
    cache.removeQueries({ queryKey: ['audit', 'show', 'opened'] })
    go(logPlace('opened'))
    cache.setQueryData(openedQuery(station).queryKey, answer.value)
  }

  return (
    <section className="card review-choice" aria-labelledby="open-log">
      <h2 id="open-log">Open a log for review</h2>
      {found.isError ? <FailureNotice failure={failureFrom(found.error)} title="No files could be looked for" /> : null}
      {found.data === undefined || found.data.length === 0 ? (
        <div className="row">
          <p className="muted grow">
            {found.isPending ? 'Looking for logs …' : 'No log was found in the exports folder or on a medium.'}
          </p>
          <LookAgain onPress={() => void found.refetch()} />
        </div>
      ) : (
        <>
          <div className="found-logs">
            <Options
              label="Found here"
              value={found.data.some((each) => each.path === path) ? path : null}
              onChange={setPath}
              options={found.data.map((each) => ({
                value: each.path,
                label: <UntrustedText text={each.name} exact />,
                description: foundWords(each),
              }))}
            />
          </div>
          <div className="row row-end">
            <LookAgain onPress={() => void found.refetch()} />
          </div>
        </>
      )}
      <Field
        label="File"
        value={path}
        onChange={setPath}
        problem={problem}
        mono
        maxLength={4096}
        placeholder="/media/…/export.jsonl"
        description="An export, or the database of a station."
      />
      <Field
        label="Verifier key of the log"
        value={vkey}
        onChange={setVkey}
        mono
        maxLength={1_000}
        placeholder="station.example.org/signing-log/…+…+…"
        description="From the station’s keeper, by another way than the file. Without it nobody can tell who signed."
      />
      <Field
        label="Checkpoint that was kept earlier"
        value={checkpoint}
        onChange={setCheckpoint}
        rows={3}
        mono
        maxLength={70_000}
        description="Its whole text. Without one nobody can tell whether entries are missing at the end."
      />
      {reading.work.kind === 'running' ? (
        <WorkProgress work={reading.work} label="Reading and verifying" onCancel={reading.cancel} />
      ) : (
        <div className="row row-end">
          <Button variant="primary" isDisabled={path.trim() === '' || problem !== null} onPress={() => void open()}>
            Open and verify
          </Button>
        </div>
      )}
      {reading.work.kind === 'failed' ? <FailureNotice failure={reading.work.failure} title="Not opened" /> : null}
    </section>
  )
}

function LookAgain({ onPress }: { readonly onPress: () => void }) {
  return (
    <Button size="s" variant="quiet" icon="refresh" onPress={onPress}>
      Look again
    </Button>
  )
}
