import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Settings } from '../../../shared/settings.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { settingsQuery, useAction } from '../../station/station-queries.ts'
import { ConnectorsSection } from './ConnectorsSection.tsx'
import { KeyRequestsSection } from './KeyRequestsSection.tsx'
import { LogSection } from './LogSection.tsx'
import { ModulesSection } from './ModulesSection.tsx'
import { RootsSection } from './RootsSection.tsx'
import { EnrolSection, UserTokenSection } from './ServerSections.tsx'
import { type Draft, draftOf, problemsOf, settingsOf } from './settings-view.ts'
import './settings.css'

export function SettingsScreen() {
  const station = useStation()
  const heading = usePageHeading()
  const query = useQuery(settingsQuery(station))
  return (
    <div className="screen">
      <header className="screen-head">
        <h1 ref={heading} tabIndex={-1}>
          Settings
        </h1>
      </header>
      {query.isError ? (
        <div className="screen-body">
          <FailureNotice failure={failureFrom(query.error)} title="The settings could not be read" />
        </div>
      ) : null}
      {query.data === undefined ? null : <SettingsForm saved={query.data} />}
    </div>
  )
}

function SettingsForm({ saved }: { readonly saved: Settings }) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(saved))
  // What is stored changed, by this form or beside it: the form shows it, and stays the same form, so that the focus stays too.
  const [basis, setBasis] = useState(saved)
  if (JSON.stringify(basis) !== JSON.stringify(saved)) {
    setBasis(saved)
    setDraft(draftOf(saved))
  }
  const save = useAction((station, settings: Settings) => station.settingsSet(settings))
  const problems = problemsOf(draft)
  const changed = JSON.stringify(settingsOf(draft)) !== JSON.stringify(saved)
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const wrong = Object.keys(problems).length > 0
  return (
    <>
      <div className="screen-body screen-scroll settings-body">
        <section className="settings-section" aria-labelledby="settings-station">
          <h2 id="settings-station">Station</h2>
          <div className="settings-fields">
            <Field
              label="Name of the station"
              value={draft.stationName}
              onChange={(stationName) => set({ stationName })}
              problem={problems.stationName ?? null}
              maxLength={200}
              description="How the server and the audit log know it."
            />
            <Field
              label="Operator"
              value={draft.operatorName}
              onChange={(operatorName) => set({ operatorName })}
              problem={problems.operatorName ?? null}
              maxLength={200}
              description="Recorded with each decision."
            />
            <Options
              label="Theme"
              inline
              value={draft.theme}
              onChange={(theme) => set({ theme })}
              options={[
                { value: 'system', label: 'As the system' },
                { value: 'light', label: 'Light' },
                { value: 'dark', label: 'Dark' },
              ]}
            />
          </div>
        </section>
        <section className="settings-section" aria-labelledby="settings-server">
          <h2 id="settings-server">Server</h2>
          <div className="settings-fields">
            <Field
              label="Address of the API"
              value={draft.apiUrl}
              onChange={(apiUrl) => set({ apiUrl })}
              problem={problems.apiUrl ?? null}
              maxLength={400}
              placeholder="https://debusine.example.org/api"
              description="HTTPS, without the version."
            />
            <Field
              label="Certificate authority (PEM)"
              value={draft.caPem}
              onChange={(caPem) => set({ caPem })}
              problem={problems.caPem ?? null}
              rows={4}
              mono
              maxLength={200_000}
              description="Only where the server has a CA of its own. Empty: those of the system."
            />
            <EnrolSection unsaved={changed} />
          </div>
        </section>
        <section className="settings-section" aria-labelledby="settings-next">
          <h2 id="settings-next">Waiting work</h2>
          <div className="settings-fields">
            <Field
              label="Scope"
              value={draft.scope}
              onChange={(scope) => set({ scope })}
              maxLength={100}
              description="Where your API token looks for work that waits."
            />
            <UserTokenSection />
          </div>
        </section>
        <section className="settings-section" aria-labelledby="settings-modules">
          <h2 id="settings-modules">Token modules</h2>
          <ModulesSection draft={draft} onChange={set} problem={problems.modules ?? null} />
        </section>
        <section className="settings-section" aria-labelledby="settings-yubihsm">
          <h2 id="settings-yubihsm">YubiHSM</h2>
          <ConnectorsSection draft={draft} onChange={set} problems={problems} />
        </section>
        <section className="settings-section" aria-labelledby="settings-trusted">
          <h2 id="settings-trusted">Trusted certificates</h2>
          <div className="settings-fields">
            <Field
              label="SHA-256 fingerprints, one a line"
              value={draft.trustedCerts}
              onChange={(trustedCerts) => set({ trustedCerts })}
              problem={problems.trustedCerts ?? null}
              rows={5}
              mono
              description="Certificates that signed files may trust, of their DER. A file that trusts any other cannot be approved."
            />
          </div>
        </section>
        <section className="settings-section" aria-labelledby="settings-roots">
          <h2 id="settings-roots">Roots of attestation</h2>
          <RootsSection />
        </section>
        <section className="settings-section" aria-labelledby="settings-key-requests">
          <h2 id="settings-key-requests">Requests for keys</h2>
          <KeyRequestsSection draft={draft} onChange={set} problems={problems} />
        </section>
        <section className="settings-section" aria-labelledby="settings-log">
          <h2 id="settings-log">Audit log</h2>
          <LogSection draft={draft} onChange={set} problems={problems} />
        </section>
      </div>
      <div className="settings-save" role="group" aria-label="Save the settings">
        {save.failure === null ? null : <FailureNotice failure={save.failure} title="Not saved" />}
        <div className="row row-end">
          <span className="muted small grow" role="status">
            {wrong
              ? 'Something above is not right yet.'
              : changed
                ? 'Not saved yet. Saving is recorded in the audit log.'
                : 'All saved.'}
          </span>
          <Button isDisabled={!changed} onPress={() => setDraft(draftOf(saved))}>
            Discard changes
          </Button>
          <Button
            variant="primary"
            isDisabled={!changed || wrong}
            isPending={save.pending}
            onPress={() => void save.run(settingsOf(draft))}
          >
            Save
          </Button>
        </div>
      </div>
    </>
  )
}
