import { useQuery } from '@tanstack/react-query'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Checkbox } from '../../design/Choice.tsx'
import { Field } from '../../design/Field.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { visibleString } from '../../parts/untrusted-text.ts'
import { useStation } from '../../station/station-context.tsx'
import { foundModulesQuery } from '../../station/station-queries.ts'
import { proposals, rowNote } from './modules-view.ts'
import type { Draft } from './settings-view.ts'

const most = 16

export function ModulesSection({
  draft,
  onChange,
  problem,
}: {
  readonly draft: Draft
  readonly onChange: (part: Partial<Draft>) => void
  readonly problem: string | null
}) {
  const found = useQuery(foundModulesQuery(useStation())).data
  const { modules } = draft
  const replace = (index: number, part: Partial<Draft['modules'][number]>) =>
    onChange({ modules: modules.map((module, at) => (at === index ? { ...module, ...part } : module)) })
  const add = (path: string) => onChange({ modules: [...modules, { path, enabled: true }] })
  const others = proposals(modules, found)
  return (
    <div className="settings-fields">
      <p className="small muted">
        The PKCS#11 library of each kind of token. Every one runs in a process of its own, and none that you did not
        choose is loaded.
      </p>
      {modules.map((module, index) => {
        const note = rowNote(modules, index, found)
        return (
          // Rows have no identity but their place.
          <div key={index} className="module">
            <div className="module-row">
              <Field
                label={`Module ${index + 1}`}
                value={module.path}
                onChange={(path) => replace(index, { path })}
                mono
                maxLength={4096}
                placeholder="/usr/lib/…/libykcs11.so"
              />
              <Checkbox isSelected={module.enabled} onChange={(enabled) => replace(index, { enabled })}>
                In use
              </Checkbox>
              <Button
                size="s"
                variant="quiet"
                aria-label={`Remove module ${index + 1}`}
                onPress={() => onChange({ modules: modules.filter((_, at) => at !== index) })}
              >
                Remove
              </Button>
            </div>
            {note === null ? null : (
              <p className="small">
                <Badge tone={note.tone}>{note.text}</Badge>
              </p>
            )}
          </div>
        )
      })}
      {problem === null ? null : (
        <p className="field-error" role="alert">
          {problem}
        </p>
      )}
      <div>
        <Button size="s" icon="plus" isDisabled={modules.length >= most} onPress={() => add('')}>
          Add a module
        </Button>
      </div>
      {others.length === 0 ? null : (
        <div className="settings-box">
          <p className="small muted">Found on this machine, and not loaded:</p>
          <ul className="proposals" aria-label="Modules found on this machine">
            {others.map(({ path, name, words, kept, mayAdd }) => (
              <li key={path} className="proposal">
                <div>
                  <p className="proposal-name">
                    <UntrustedText text={name} truncate />
                  </p>
                  <p className="mono small">
                    <UntrustedText text={path} exact />
                  </p>
                  <p className="small muted">
                    {words.text}
                    {kept === null ? '' : `; ${kept}`}
                  </p>
                </div>
                <Button
                  size="s"
                  aria-label={`Add ${visibleString(name)}`}
                  isDisabled={!mayAdd || modules.length >= most}
                  onPress={() => add(path)}
                >
                  Add
                </Button>
              </li>
            ))}
          </ul>
        </div>
      )}
      {found === undefined || found.ignored.length === 0 ? null : (
        <p className="small muted">
          Left out, from p11-kit’s configuration:{' '}
          {found.ignored.map(({ file, why }) => (
            <span key={file}>
              <UntrustedText text={file} exact />: {why}{' '}
            </span>
          ))}
        </p>
      )}
    </div>
  )
}
