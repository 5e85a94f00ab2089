import { Checkbox, Options } from '../../design/Choice.tsx'
import { Field } from '../../design/Field.tsx'
import type { Draft, Problems } from './settings-view.ts'

/** Whether the server may ask for new keys, and where they may be made. */
export function KeyRequestsSection({
  draft,
  onChange,
  problems,
}: {
  readonly draft: Draft
  readonly onChange: (part: Partial<Draft>) => void
  readonly problems: Problems
}) {
  return (
    <div className="settings-fields">
      <p className="small muted">
        Each request waits for a person, who chooses the token, or declines. Whoever may ask the server for keys may ask
        this station.
      </p>
      <Checkbox isSelected={draft.keyRequests} onChange={(keyRequests) => onChange({ keyRequests })}>
        Take requests for new keys (GenerateKey)
      </Checkbox>
      <Checkbox
        isSelected={draft.softwareKeys}
        isDisabled={!draft.keyRequests}
        onChange={(softwareKeys) => onChange({ softwareKeys })}
      >
        Keys may be made in software: always test keys
      </Checkbox>
      <Options
        label="Tokens on which keys may be made"
        inline
        value={draft.anyToken ? 'any' : 'named'}
        onChange={(value) => onChange({ anyToken: value === 'any' })}
        options={[
          { value: 'any', label: 'Any', isDisabled: !draft.keyRequests },
          { value: 'named', label: 'Only these', isDisabled: !draft.keyRequests },
        ]}
      />
      {draft.anyToken ? null : (
        <Field
          label="Serial numbers, one a line"
          value={draft.tokenSerials}
          onChange={(tokenSerials) => onChange({ tokenSerials })}
          problem={problems.tokenSerials ?? null}
          isDisabled={!draft.keyRequests}
          rows={3}
          mono
          description="As the token gives them. None: no key is made on a token for a request."
        />
      )}
    </div>
  )
}
