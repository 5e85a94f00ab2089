import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useAction } from '../../station/station-queries.ts'
import './first-start.css'

/** The first thing that a new station shows. Making the log is an act of a person, never a side effect of opening the program. */
export function CreateStation({ onReview }: { readonly onReview: () => void }) {
  const cache = useQueryClient()
  const [stationName, setStationName] = useState('')
  const [operatorName, setOperatorName] = useState('')
  const create = useAction((station, input: Parameters<typeof station.stationCreate>[0]) =>
    station.stationCreate(input),
  )
  const names = { stationName: stationName.trim(), operatorName: operatorName.trim() }
  async function createIt() {
    if ((await create.run(names)).ok) await cache.invalidateQueries()
  }

  return (
    <main className="first-start">
      <div className="stack">
        <h1>Create this station</h1>
        <p className="muted">
          There is no station in this profile yet. Creating it makes an empty audit log, in which everything that is
          ever signed here is recorded, and the key store. If a station should be here, close the window and look for
          its folder: a new log does not replace an old one.
        </p>
      </div>
      <div className="first-start-form">
        <Field
          label="Name of the station"
          description="A host name, such as signing1.example.org. The server knows the station by it, and the audit log carries it for ever."
          value={stationName}
          onChange={setStationName}
          maxLength={200}
          isRequired
          autoFocus
        />
        <Field
          label="Your name"
          description="Recorded with each decision that you make."
          value={operatorName}
          onChange={setOperatorName}
          maxLength={200}
          isRequired
        />
        {create.failure === null ? null : (
          <FailureNotice failure={create.failure} title="The station was not created" />
        )}
        <div className="row">
          <Button
            variant="primary"
            isPending={create.pending}
            isDisabled={names.stationName === '' || names.operatorName === ''}
            onPress={() => void createIt()}
          >
            Create the station
          </Button>
        </div>
      </div>
      <section className="first-start-other" aria-labelledby="review-instead">
        <h2 id="review-instead">Or only read a log</h2>
        <p className="muted">
          An auditor needs no station: the export or the database of another one is opened for reading only, verified
          and compared. Nothing is created.
        </p>
        <div>
          <Button onPress={onReview}>Review a log …</Button>
        </div>
      </section>
    </main>
  )
}
