import { Field } from '../../design/Field.tsx'
import { Select } from '../../design/Select.tsx'

/** One of those who are there; a name to type where nobody was named yet. */
export function PersonField({
  label,
  value,
  onChange,
  people,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (name: string) => void
  readonly people: readonly string[]
}) {
  return people.length === 0 ? (
    <Field label={label} value={value} onChange={onChange} maxLength={120} isRequired />
  ) : (
    <Select
      label={label}
      value={value === '' ? null : value}
      onChange={(name) => onChange(name ?? '')}
      options={people.map((name) => ({ value: name, label: name }))}
      all="Choose a name"
    />
  )
}
