import type { Ref } from 'react'
import { Input, Label, Text, TextField } from 'react-aria-components'
import { Badge } from '../design/Badge.tsx'
import { Checkbox } from '../design/Choice.tsx'
import { managementKeyProblem, type PinView, pinProblem } from './pin-view.ts'
import { UntrustedText } from './UntrustedText.tsx'
import type { TypedPin } from './use-typed-pins.ts'
import { pinStateWords } from './wording.ts'

// `one-time-code`: browsers neither fill such a field nor offer to keep it, and they ignore `off` on passwords.

/** The PIN of one token: its name, what the token says of earlier tries, and the last try, to be agreed to by name. */
export function PinField({
  view,
  opens,
  typed,
  isDisabled,
  input,
  onType,
  onAgree,
}: {
  readonly view: Extract<PinView, { kind: 'wanted' }>
  /** Which keys it opens, where there are several. */
  readonly opens: string | null
  readonly typed: TypedPin
  readonly isDisabled: boolean
  readonly input: Ref<HTMLInputElement> | null
  readonly onType: (pin: string) => void
  readonly onAgree: (lastTryAgreed: boolean) => void
}) {
  const problem = pinProblem(view, typed.pin)
  return (
    <>
      <TextField
        className="field"
        type="password"
        value={typed.pin}
        onChange={onType}
        maxLength={255}
        isDisabled={isDisabled}
        isInvalid={problem !== null}
      >
        <Label className="field-label row">
          <span>
            PIN of <UntrustedText text={view.tokenName} />
          </span>
          {view.state === 'ok' ? null : (
            <Badge tone={pinStateWords[view.state].tone}>{pinStateWords[view.state].text}</Badge>
          )}
        </Label>
        <Input ref={input} className="input" autoComplete="one-time-code" spellCheck="false" />
        <Text slot="description" className={problem === null ? 'field-description' : 'field-error'}>
          {problem ?? (opens === null ? view.sentence : `${opens} ${view.sentence}`)}
        </Text>
      </TextField>
      {view.lastTry ? (
        <Checkbox isSelected={typed.lastTryAgreed} onChange={onAgree}>
          Use the last try. I know that a wrong PIN locks this token now.
        </Checkbox>
      ) : null}
    </>
  )
}

/** A YubiKey makes and stores nothing without it. */
export function ManagementKeyField({
  value,
  isDisabled,
  onChange,
}: {
  readonly value: string
  readonly isDisabled: boolean
  readonly onChange: (value: string) => void
}) {
  const problem = managementKeyProblem(value)
  return (
    <TextField
      className="field"
      type="password"
      value={value}
      onChange={onChange}
      maxLength={64}
      isDisabled={isDisabled}
      isInvalid={problem !== null}
    >
      <Label className="field-label">Management key</Label>
      <Input className="input mono" autoComplete="one-time-code" spellCheck="false" />
      <Text slot="description" className={problem === null ? 'field-description' : 'field-error'}>
        {problem ?? 'As hex digits: 48 for 3DES and AES-192.'}
      </Text>
    </TextField>
  )
}
