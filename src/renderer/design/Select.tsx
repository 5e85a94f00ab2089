import { useId } from 'react'
import './field.css'

export type SelectOption<T extends string> = {
  readonly value: T
  readonly label: string
  readonly isDisabled?: boolean
}

/** One of many values, by the browser's own list: it needs no room until it is opened. `all` stands for no choice. */
export function Select<T extends string>({
  label,
  value,
  onChange,
  options,
  all,
}: {
  readonly label: string
  readonly value: T | null
  readonly onChange: (value: T | null) => void
  readonly options: readonly SelectOption<T>[]
  readonly all: string
}) {
  const id = useId()
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        className="input"
        value={value ?? ''}
        onChange={(change) => onChange(change.target.value === '' ? null : (change.target.value as T))}
      >
        <option value="">{all}</option>
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.isDisabled ?? false}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  )
}
