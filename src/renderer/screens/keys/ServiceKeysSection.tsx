import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type {
  ReencryptionProgress,
  ReencryptionReport,
  ServiceKey,
  ServiceKeyList,
} from '../../../shared/service-key.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Digest } from '../../design/Digest.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { plainNumber } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { serviceKeysQuery, useAction } from '../../station/station-queries.ts'
import { SoftwareKeyMoves } from './SoftwareKeyMoves.tsx'

/** The keys that software keys are sealed with: what each opens, which are missing, and the rotation to the newest. */
export function ServiceKeysSection() {
  const station = useStation()
  const listed = useQuery(serviceKeysQuery(station))
  const [making, setMaking] = useState(false)
  const [progress, setProgress] = useState<ReencryptionProgress | null>(null)
  const [report, setReport] = useState<ReencryptionReport | null>(null)
  const reencrypt = useAction((api, _input: null) => api.keysReencrypt(null))
  useStationEvent('keys.reencrypt-progress', setProgress)
  const list = listed.data

  async function sealAnew() {
    setReport(null)
    setProgress(null)
    const done = await reencrypt.run(null)
    if (done.ok) setReport(done.value)
    await listed.refetch()
  }

  return (
    <section className="section" aria-labelledby="keys-service">
      <h2 id="keys-service">
        Service keys <span className="muted">{plainNumber(list?.keys.length ?? 0)}</span>
      </h2>
      {listed.isError ? <FailureNotice failure={failureFrom(listed.error)} /> : null}
      {list === undefined ? null : <ServiceKeys list={list} />}
      {reencrypt.failure === null ? null : <FailureNotice failure={reencrypt.failure} />}
      {reencrypt.pending ? (
        <Notice
          title="Sealing anew"
          actions={
            <Button size="s" onPress={() => void station.keysReencryptStop(null)}>
              Stop
            </Button>
          }
        >
          <span role="status">
            {progress === null ? 'Beginning …' : `${progress.done} of ${progress.total} records looked at.`}
          </span>{' '}
          What is sealed anew stays so; it can be gone on with later.
        </Notice>
      ) : null}
      {report === null ? null : <Report report={report} />}
      {list !== undefined && list.waiting > 0 && !reencrypt.pending ? (
        <Notice
          title={`${plainNumber(list.waiting)} sealed with an older service key`}
          actions={
            <Button size="s" onPress={() => void sealAnew()}>
              Seal all anew with the newest
            </Button>
          }
        >
          Each new record is opened again and compared before it replaces the old one, and each exchange is entered in
          the audit log.
        </Notice>
      ) : null}
      <SoftwareKeyMoves>
        <Button size="s" isDisabled={reencrypt.pending} onPress={() => setMaking(true)}>
          Make a service key …
        </Button>
      </SoftwareKeyMoves>
      {making ? <NewServiceKeyDialog onClose={() => setMaking(false)} /> : null}
    </section>
  )
}

function ServiceKeys({ list }: { readonly list: ServiceKeyList }) {
  return (
    <div className="card card-pad">
      <p className="small muted">
        Software keys and the key of the log are sealed with these. They are looked for in{' '}
        <code>
          <UntrustedText text={list.folder} />
        </code>
        . Back them up apart from the database.
      </p>
      {list.keys.length === 0 ? <p className="muted">There is none yet.</p> : null}
      <ul className="objects">
        {list.keys.map((key) => (
          <ServiceKeyRow key={key.file} serviceKey={key} />
        ))}
        {list.absent.map(({ fingerprint, opens }) => (
          <li key={fingerprint} className="service-key-row">
            <div className="row">
              <Badge tone="refused">Missing</Badge>
              <span className="small">
                Needed for <UntrustedText text={opens.map((name) => `“${name}”`).join(', ')} />
              </span>
            </div>
            <Digest hex={fingerprint} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function ServiceKeyRow({ serviceKey }: { readonly serviceKey: ServiceKey }) {
  const { file, fingerprint, problem, encrypts, opens } = serviceKey
  return (
    <li className="service-key-row">
      <div className="row">
        <span className="mono">
          <UntrustedText text={file} exact />
        </span>
        {fingerprint === null ? (
          <Badge tone="refused">Not safe to use</Badge>
        ) : (
          <>
            {encrypts ? <Badge tone="accent">Encrypts</Badge> : null}
            <span className="small muted">{opens === 0 ? 'opens nothing here' : `opens ${plainNumber(opens)}`}</span>
          </>
        )}
      </div>
      {fingerprint === null ? (
        <p className="small key-row-why">
          <UntrustedText text={`${file} ${problem ?? ''}. While it is so, no service key is used.`} />
        </p>
      ) : (
        <Digest hex={fingerprint} />
      )}
    </li>
  )
}

function Report({ report }: { readonly report: ReencryptionReport }) {
  const { reencrypted, already, kept, stopped } = report
  const whole = kept.length === 0 && !stopped
  return (
    <Notice
      tone={whole ? 'passed' : 'attention'}
      title={
        whole ? 'All is sealed with the newest service key' : stopped ? 'Stopped' : 'Some records were kept as they are'
      }
      live
    >
      <p>
        Sealed anew: {plainNumber(reencrypted)}. Already so: {plainNumber(already)}. Kept as before:{' '}
        {plainNumber(kept.length)}.
      </p>
      {kept.length === 0 ? null : (
        <ul>
          {kept.map(({ name, failure }) => (
            <li key={name}>
              <UntrustedText text={`“${name}”: ${failure.message}`} />
            </li>
          ))}
        </ul>
      )}
      {whole ? <p>Older service keys are needed for older backups only.</p> : null}
    </Notice>
  )
}

function NewServiceKeyDialog({ onClose }: { readonly onClose: () => void }) {
  const make = useAction((api, _input: null) => api.keysServiceMake(null))
  useStationEvent('desk.locked', onClose)
  async function confirmed() {
    if ((await make.run(null)).ok) onClose()
  }
  return (
    <Dialog
      title="Make a service key"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" isPending={make.pending} onPress={() => void confirmed()}>
            Make the service key
          </Button>
        </>
      }
    >
      <p>
        New software keys are sealed with it from now on. What is sealed already stays as it is until you seal it anew;
        the older service keys stay in their folder and open it.
      </p>
      <p>Back the new file up, apart from the database: without it, what is sealed with it is lost.</p>
      {make.failure === null ? null : <FailureNotice failure={make.failure} />}
    </Dialog>
  )
}
