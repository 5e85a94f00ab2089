import type { ReactNode } from 'react'
import { Checkbox as AriaCheckbox, Switch as AriaSwitch, Label, Radio, RadioGroup } from 'react-aria-components'
import { Icon } from './Icon.tsx'
import './field.css'

export function Checkbox({
  isSelected,
  onChange,
  isDisabled = false,
  children,
}: {
  readonly isSelected: boolean
  readonly onChange: (selected: boolean) => void
  readonly isDisabled?: boolean
  readonly children: ReactNode
}) {
  return (
    <AriaCheckbox className="checkbox" isSelected={isSelected} onChange={onChange} isDisabled={isDisabled}>
      {(state) => (
        <>
          <span className="checkbox-box">{state.isSelected ? <Icon name="passed" size={14} /> : null}</span>
          <span className="checkbox-text">{children}</span>
        </>
      )}
    </AriaCheckbox>
  )
}

export function Switch({
  isSelected,
  onChange,
  children,
}: {
  readonly isSelected: boolean
  readonly onChange: (on: boolean) => void
  readonly children: ReactNode
}) {
  return (
    <AriaSwitch className="switch" isSelected={isSelected} onChange={onChange}>
      <span className="switch-track" />
      {children}
    </AriaSwitch>
  )
}

export type Option<T extends string> = {
  readonly value: T
  readonly label: ReactNode
  readonly description?: ReactNode
  readonly isDisabled?: boolean
}

/** A few values of which exactly one holds, all of them in sight. */
export function Options<T extends string>({
  label,
  value,
  onChange,
  options,
  inline = false,
}: {
  readonly label: string
  readonly value: T | null
  readonly onChange: (value: T) => void
  readonly options: readonly Option<T>[]
  readonly inline?: boolean
}) {
  return (
    <RadioGroup
      className={inline ? 'options options-inline' : 'options'}
      value={value}
      onChange={(next) => onChange(next as T)}
    >
      <Label className="field-label">{label}</Label>
      <div className="options-list">
        {options.map((option) => (
          <Radio key={option.value} value={option.value} className="option" isDisabled={option.isDisabled ?? false}>
            <span className="option-dot" />
            <span className="option-text">
              <span>{option.label}</span>
              {option.description === undefined ? null : (
                <span className="field-description">{option.description}</span>
              )}
            </span>
          </Radio>
        ))}
      </div>
    </RadioGroup>
  )
}
