import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import type { Draft, Problems } from './settings-view.ts'

const mostFolders = 10

/** Where checkpoints are copied to, and who signs beside the station. */
export function LogSection({
  draft,
  onChange,
  problems,
}: {
  readonly draft: Draft
  readonly onChange: (part: Partial<Draft>) => void
  readonly problems: Problems
}) {
  const { checkpointFolders: folders } = draft
  const set = (checkpointFolders: readonly string[]) => onChange({ checkpointFolders })
  return (
    <div className="settings-fields">
      <p className="small muted">
        Each checkpoint is copied to these folders: a medium, a disk of another machine. With a copy that this machine
        cannot change, an exchanged log is found out. A folder that is not there is a warning, and stops nothing.
      </p>
      {folders.map((folder, index) => (
        // Rows have no identity but their place.
        <div key={index} className="folder-row">
          <Field
            label={`Folder ${index + 1}`}
            value={folder}
            onChange={(path) => set(folders.map((each, at) => (at === index ? path : each)))}
            mono
            maxLength={4096}
            placeholder="/media/…"
          />
          <Button
            size="s"
            variant="quiet"
            aria-label={`Remove folder ${index + 1}`}
            onPress={() => set(folders.filter((_, at) => at !== index))}
          >
            Remove
          </Button>
        </div>
      ))}
      {problems.checkpointFolders === undefined ? null : (
        <p className="field-error" role="alert">
          {problems.checkpointFolders}
        </p>
      )}
      <div>
        <Button size="s" icon="plus" isDisabled={folders.length >= mostFolders} onPress={() => set([...folders, ''])}>
          Add a folder
        </Button>
      </div>
      <Field
        label="Verifier keys of witnesses, one a line"
        value={draft.witnesses}
        onChange={(witnesses) => onChange({ witnesses })}
        problem={problems.witnesses ?? null}
        rows={3}
        mono
        description="Whose signatures may be added to checkpoints, under “Checkpoint and key” of the audit log."
      />
    </div>
  )
}
