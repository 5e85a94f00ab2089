import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { FileTrigger } from 'react-aria-components'
import type { SignAs } from '../../../shared/by-hand.ts'
import type { Fingerprint } from '../../../shared/ids.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { Select } from '../../design/Select.tsx'
import { useNavigation } from '../../navigation.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { signAsWords } from '../../parts/wording.ts'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { keysQuery, useAction } from '../../station/station-queries.ts'
import { fittingKeys, folderProblem, pathProblem, proposedMode, signAsOptions } from './open-files-view.ts'
import './by-hand.css'

/** Which files, as what, with which key, and where the signatures go. Opening them makes a request in hand; nothing is signed here. */
export function OpenFilesDialog({
  paths,
  onPaths,
  onClose,
}: {
  readonly paths: readonly string[]
  readonly onPaths: (paths: readonly string[]) => void
  readonly onClose: () => void
}) {
  const station = useStation()
  const { go } = useNavigation()
  const keys = useQuery(keysQuery(station))
  const [chosen, setChosen] = useState<SignAs | null>(null)
  const [print, setPrint] = useState<Fingerprint | null>(null)
  const [typed, setTyped] = useState('')
  const [where, setWhere] = useState<'beside' | 'folder'>('beside')
  const [folder, setFolder] = useState('')
  const open = useAction((api, input: Parameters<typeof api.handOpen>[0]) => api.handOpen(input))
  useStationEvent('desk.locked', onClose)
  const signAs = chosen ?? proposedMode(paths)
  const fitting = fittingKeys(keys.data ?? [], signAs)
  const key =
    fitting.find(({ fingerprint }) => fingerprint === print) ?? (fitting.length === 1 ? fitting[0] : undefined)
  const badPath = pathProblem(typed)
  const badFolder = where === 'folder' ? folderProblem(folder) : null
  const complete =
    paths.length > 0 &&
    signAs !== null &&
    key !== undefined &&
    (where === 'beside' || (folder !== '' && badFolder === null))

  async function confirmed() {
    if (signAs === null || key === undefined) return
    const opened = await open.run({
      paths: [...paths],
      signAs,
      fingerprint: key.fingerprint,
      folder: where === 'beside' ? null : folder,
    })
    if (!opened.ok) return
    onClose()
    go({ screen: 'requests', tab: 'in-hand', open: opened.value.requestId })
  }
  const add = (more: readonly string[]) => onPaths([...new Set([...paths, ...more])])

  return (
    <Dialog
      title="Sign files by hand"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" isDisabled={!complete} isPending={open.pending} onPress={() => void confirmed()}>
            Open for review
          </Button>
        </>
      }
    >
      <p className="small">
        The files are copied now, and what is copied is what is signed. You see what is in them before anything is
        signed. No server is asked: whoever approves answers for it alone.
      </p>
      <FileList paths={paths} onRemove={(path) => onPaths(paths.filter((each) => each !== path))} />
      <div className="hand-add">
        <FileTrigger allowsMultiple onSelect={(files) => void station.pathsOf([...(files ?? [])]).then(add)}>
          <Button autoFocus>Choose files …</Button>
        </FileTrigger>
        <Field label="Or a path" value={typed} onChange={setTyped} problem={badPath} mono placeholder="/path/to/file" />
        <Button
          isDisabled={typed === '' || badPath !== null}
          onPress={() => {
            add([typed])
            setTyped('')
          }}
        >
          Add
        </Button>
      </div>
      <Select
        label="Sign as"
        value={signAs}
        onChange={(next) => {
          setChosen(next)
          setPrint(null)
        }}
        options={signAsOptions}
        all="Choose …"
      />
      {signAs === null ? null : <p className="small muted">{signAsWords[signAs].gives}</p>}
      <Select
        label="Key"
        value={key?.fingerprint ?? null}
        onChange={setPrint}
        options={fitting.map((each) => ({
          value: each.fingerprint,
          label: `${each.description} (${each.production ? 'production' : 'test'}, ${each.fingerprint.slice(0, 8)}…)`,
        }))}
        all={signAs !== null && fitting.length === 0 ? 'No active key of this purpose is registered' : 'Choose …'}
      />
      <Options
        label="Signatures go"
        value={where}
        onChange={setWhere}
        inline
        options={[
          { value: 'beside', label: 'beside each file' },
          { value: 'folder', label: 'into a folder' },
        ]}
      />
      {where === 'folder' ? (
        <Field
          label="Folder"
          value={folder}
          onChange={setFolder}
          problem={badFolder}
          mono
          isRequired
          placeholder="/path/to/folder"
        />
      ) : null}
      <p className="small muted">A file that is there already is never written over without asking you.</p>
      {open.failure === null ? null : <FailureNotice failure={open.failure} title="Nothing was opened" />}
    </Dialog>
  )
}

function FileList({
  paths,
  onRemove,
}: {
  readonly paths: readonly string[]
  readonly onRemove: (path: string) => void
}) {
  if (paths.length === 0) return <p className="hand-empty muted">Drop files on the window, or choose them.</p>
  return (
    <ul className="hand-files" aria-label="Files to open">
      {paths.map((path) => (
        <li key={path} className="row">
          <span className="mono grow">
            <UntrustedText text={path} exact />
          </span>
          <Button size="s" variant="quiet" aria-label={`Leave out ${path}`} onPress={() => onRemove(path)}>
            Leave out
          </Button>
        </li>
      ))}
    </ul>
  )
}
