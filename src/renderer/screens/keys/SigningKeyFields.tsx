import { Checkbox, Options } from '../../design/Choice.tsx'
import { Field } from '../../design/Field.tsx'
import { Select } from '../../design/Select.tsx'
import { ChosenKey } from './ChosenKey.tsx'
import type { SigningKeyDraft, SigningKeyView, subkeyOptions } from './signing-key-view.ts'

/** Which key signs: the one that certifies, or another one as its subkey. */
export function SigningKeyFields({
  draft,
  view,
  options,
  onChange,
}: {
  readonly draft: SigningKeyDraft
  readonly view: SigningKeyView
  readonly options: ReturnType<typeof subkeyOptions>
  readonly onChange: (part: Partial<SigningKeyDraft>) => void
}) {
  return (
    <>
      <Options
        label="Which key signs"
        value={draft.who}
        onChange={(who) => onChange({ who })}
        options={[
          { value: 'own', label: 'This key', description: 'It certifies and signs.' },
          {
            value: 'subkey',
            label: 'Another key, as signing subkey',
            description:
              'The other key signs and is registered. This one certifies: it can be put away until the certificate is to be extended or revoked.',
          },
        ]}
      />
      {draft.who === 'own' ? null : (
        <>
          <Select
            label="Signing subkey"
            value={draft.choice}
            onChange={(choice) => onChange({ choice })}
            options={options}
            all={options.length === 0 ? 'No other key is on a token' : 'Choose a key'}
          />
          {view.subkey === null || view.object === null ? null : (
            <ChosenKey token={view.subkey.token} object={view.object} />
          )}
          {view.wantsId ? (
            <Field
              label="Object id of the signing subkey"
              value={draft.typedId}
              onChange={(typedId) => onChange({ typedId })}
              problem={view.problem}
              mono
              maxLength={6}
              isRequired
              description="Four hex digits, as the maker’s tool lists it (0x0064)."
            />
          ) : null}
          <Checkbox isSelected={draft.primarySigns} onChange={(primarySigns) => onChange({ primarySigns })}>
            The certificate says of the key that certifies that it signs, too.
          </Checkbox>
        </>
      )}
    </>
  )
}
