import type { ReactNode } from 'react'
import { FieldError, Input, Label, Text, TextArea, TextField, type TextFieldProps } from 'react-aria-components'
import './field.css'

export type FieldProps = Omit<TextFieldProps, 'className' | 'style' | 'children' | 'isInvalid'> & {
  readonly label: ReactNode
  readonly description?: ReactNode
  /** What is wrong with the value, or null. */
  readonly problem?: string | null
  readonly rows?: number
  readonly mono?: boolean
  readonly placeholder?: string
}

/** One line, or several with `rows`. Browsers' own completion and correction are off: the values are names, addresses and secrets. */
export function Field({
  label,
  description,
  problem = null,
  rows,
  mono = false,
  placeholder = '',
  ...rest
}: FieldProps) {
  const inputClass = `input${mono ? ' mono' : ''}`
  return (
    <TextField
      autoComplete="off"
      spellCheck="false"
      {...rest}
      className="field"
      isInvalid={problem !== null}
      validationBehavior="aria"
    >
      <Label className="field-label">{label}</Label>
      {rows === undefined ? (
        <Input className={inputClass} placeholder={placeholder} />
      ) : (
        <TextArea className={inputClass} rows={rows} placeholder={placeholder} />
      )}
      {description === undefined ? null : (
        <Text slot="description" className="field-description">
          {description}
        </Text>
      )}
      <FieldError className="field-error">{problem}</FieldError>
    </TextField>
  )
}
