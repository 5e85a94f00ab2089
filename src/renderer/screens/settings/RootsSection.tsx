import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { AttestationRoot, AttestedDevice } from '../../../shared/attestation.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Digest } from '../../design/Digest.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { CertificateSourceFields, type SourceDraft, sourceOf } from '../../parts/CertificateSourceFields.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { attestationRootsQuery, useAction } from '../../station/station-queries.ts'

const deviceWords: Readonly<Record<AttestedDevice, string>> = { 'yubikey-piv': 'YubiKey', yubihsm: 'YubiHSM' }

/** What attestations may end at. A change counts at once, unlike the rest of this screen, and is in the log by itself. */
export function RootsSection() {
  const station = useStation()
  const cache = useQueryClient()
  const roots = useQuery(attestationRootsQuery(station))
  const [adding, setAdding] = useState(false)
  const withdraw = useAction((api, root: { sha256: AttestationRoot['sha256']; device: AttestedDevice }) =>
    api.rootsWithdraw(root),
  )
  const changed = () => void cache.invalidateQueries({ queryKey: ['attestation-roots'] })

  async function end({ sha256, device }: AttestationRoot) {
    const [only] = device
    if (only !== undefined && (await withdraw.run({ sha256, device: only })).ok) changed()
  }

  return (
    <div className="settings-fields">
      <p className="small muted">
        An attestation of a key is verified up to one of these. Those that are shipped are Yubico’s own.
      </p>
      {roots.isError ? <FailureNotice failure={failureFrom(roots.error)} /> : null}
      {withdraw.failure === null ? null : <FailureNotice failure={withdraw.failure} />}
      <ul className="roots">
        {roots.data?.map((root) => (
          <li key={`${root.sha256} ${root.device.join()}`} className="root">
            <div className="row">
              <strong className="grow">
                <UntrustedText text={root.name} />
              </strong>
              <span className="small muted">
                {root.role}, {root.device.map((device) => deviceWords[device]).join(' and ')}
              </span>
              {root.source === 'shipped' ? <Badge>Shipped</Badge> : <Badge tone="attention">Added here</Badge>}
              {root.source === 'shipped' ? null : (
                <Button
                  size="s"
                  isPending={withdraw.pending}
                  aria-label={`Withdraw ${root.name}`}
                  onPress={() => void end(root)}
                >
                  Withdraw
                </Button>
              )}
            </div>
            <code className="small muted root-digest">{root.sha256}</code>
            {root.addedBy === null ? null : (
              <p className="small muted">
                Added by <UntrustedText text={root.addedBy} /> on {root.addedAt?.slice(0, 10)}
              </p>
            )}
          </li>
        ))}
      </ul>
      <div className="row">
        <Button onPress={() => setAdding(true)}>Add a root …</Button>
      </div>
      {adding ? <AddRootDialog onAdded={changed} onClose={() => setAdding(false)} /> : null}
    </div>
  )
}

/** Two steps: what was given is read and its digests are shown; only what was shown is then trusted. */
function AddRootDialog({ onAdded, onClose }: { readonly onAdded: () => void; readonly onClose: () => void }) {
  const [draft, setDraft] = useState<SourceDraft>({ text: '', paths: '' })
  const [device, setDevice] = useState<AttestedDevice | null>(null)
  const [offered, setOffered] = useState<readonly Pick<AttestationRoot, 'name' | 'sha256' | 'role' | 'notAfter'>[]>([])
  const source = sourceOf(draft)
  const read = useAction((api, given: { readonly text: string; readonly paths: string[] }) => api.rootsRead(given))
  const add = useAction((api, wanted: Parameters<typeof api.rootsAdd>[0]) => api.rootsAdd(wanted))
  useStationEvent('desk.locked', onClose)

  async function show() {
    if (source === null) return
    const shown = await read.run(source)
    if (shown.ok) setOffered(shown.value)
  }
  async function trust() {
    if (source === null || device === null) return
    const added = await add.run({ ...source, device, confirmed: offered.map(({ sha256 }) => sha256) })
    if (!added.ok) return
    onAdded()
    onClose()
  }

  return (
    <Dialog
      title="Add a root of attestation"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          {offered.length === 0 ? (
            <Button
              variant="primary"
              isDisabled={source === null || device === null}
              isPending={read.pending}
              onPress={() => void show()}
            >
              Read and show …
            </Button>
          ) : (
            <Button variant="primary" isPending={add.pending} onPress={() => void trust()}>
              I compared: trust it
            </Button>
          )}
        </>
      }
    >
      {offered.length === 0 ? (
        <>
          <Options
            label="For attestations of a"
            inline
            value={device}
            onChange={setDevice}
            options={[
              { value: 'yubikey-piv', label: 'YubiKey' },
              { value: 'yubihsm', label: 'YubiHSM' },
            ]}
          />
          <CertificateSourceFields draft={draft} onChange={setDraft} />
        </>
      ) : (
        <>
          <p>
            Compare each SHA-256 with what the maker publishes, over another way than the one on which the file came.
            Whoever has the key of a root can attest any key as born in a token.
          </p>
          {offered.map((root) => (
            <div key={root.sha256} className="register-object">
              <p>
                <strong>
                  <UntrustedText text={root.name} exact />
                </strong>{' '}
                <span className="small muted">
                  {root.role}, until {root.notAfter.slice(0, 10)}
                </span>
              </p>
              <Digest hex={root.sha256} words />
            </div>
          ))}
        </>
      )}
      {read.failure === null ? null : <FailureNotice failure={read.failure} />}
      {add.failure === null ? null : <FailureNotice failure={add.failure} />}
    </Dialog>
  )
}
