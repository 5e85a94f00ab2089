import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from 'react'
import { Input, Label, TextField } from 'react-aria-components'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import type { TokenId } from '../../shared/token.ts'
import { Badge } from '../design/Badge.tsx'
import { Button } from '../design/Button.tsx'
import { Checkbox } from '../design/Choice.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { FailureNotice, Notice } from '../design/Notice.tsx'
import { useStation, useStationEvent } from '../station/station-context.tsx'
import { tokensQuery } from '../station/station-queries.ts'
import { managementKeyProblem, pinProblem, pinReady, pinView, sameToken } from './pin-view.ts'
import { UntrustedText } from './UntrustedText.tsx'
import { pinStateWords } from './wording.ts'

/** A dialog that nobody touches for this long closes: not answering means no. */
const idleMilliseconds = 120_000

export type PinAnswer = {
  readonly pin: string | null
  /** A YubiKey's management key as hex, where it was asked for. */
  readonly officerPin: string | null
  readonly useLastTry: boolean
}

type PinDialogProps = {
  readonly title: string
  readonly token: TokenId | null
  readonly confirm: string
  readonly pending: boolean
  /** Whether the token wants its management key, too: it makes and stores nothing without. */
  readonly managementKey?: boolean
  /** Sends the answer; the dialog closes when it is accepted. */
  readonly onConfirm: (answer: PinAnswer) => Promise<Result<unknown, Failure>>
  readonly onClose: () => void
  readonly children: ReactNode
}

/**
 * Asks for the PIN and for the last word. Enter in the field does nothing: only the button itself confirms. The PIN lives in
 * this component alone and is dropped when the window loses focus, the desk is locked, an attempt fails or the dialog closes.
 */
export function PinDialog(props: PinDialogProps) {
  const { title, token, confirm, pending, managementKey = false, onConfirm, onClose, children } = props
  const station = useStation()
  const tokens = useQuery(tokensQuery(station))
  const found = tokens.data?.tokens.find((candidate) => token !== null && sameToken(candidate.token.id, token)) ?? null
  const view = pinView(token, found?.token ?? null)
  const [pin, setPin] = useState('')
  const [officerPin, setOfficerPin] = useState('')
  const [lastTryAgreed, setLastTryAgreed] = useState(false)
  const [dropped, setDropped] = useState(false)
  const [failure, setFailure] = useState<Failure | null>(null)
  const field = useRef<HTMLInputElement>(null)
  // The field and the button were disabled while the token worked, and lost the focus; the next PIN is typed where the last one was.
  useEffect(() => {
    if (failure !== null && !pending) field.current?.focus()
  }, [failure, pending])
  useStationEvent('desk.locked', onClose)
  useDropOnBlur(() => {
    if (pin !== '' || officerPin !== '') setDropped(true)
    setPin('')
    setOfficerPin('')
  })
  useIdleClose(pending, onClose)

  const keyProblem = managementKeyProblem(officerPin)
  const managementKeyReady = !managementKey || (officerPin !== '' && keyProblem === null)

  async function confirmed() {
    const answer: PinAnswer = {
      pin: view.kind === 'wanted' ? pin : null,
      officerPin: managementKey ? officerPin : null,
      useLastTry: view.kind === 'wanted' && view.lastTry && lastTryAgreed,
    }
    setFailure(null)
    setPin('')
    setOfficerPin('')
    setLastTryAgreed(false)
    const result = await onConfirm(answer)
    if (result.ok) onClose()
    else {
      setFailure(result.error)
      void tokens.refetch()
    }
  }

  return (
    <Dialog
      title={title}
      role="alertdialog"
      isOpen
      onClose={() => {
        if (!pending) onClose()
      }}
      actions={
        <>
          <Button onPress={onClose} isDisabled={pending} autoFocus={view.kind !== 'wanted'}>
            Cancel
          </Button>
          <Button
            variant="primary"
            isPending={pending}
            isDisabled={!(pinReady(view, pin, lastTryAgreed) && managementKeyReady) && !pending}
            onPress={() => void confirmed()}
          >
            {pending ? 'Waiting for the token …' : confirm}
          </Button>
        </>
      }
    >
      {children}
      {failure === null ? null : (
        <FailureNotice
          failure={failure}
          {...(failure.code === 'pin-incorrect' ? { title: 'The token refused the PIN' } : {})}
        />
      )}
      {view.kind === 'wanted' ? (
        <>
          {managementKey ? (
            <TextField
              className="field"
              type="password"
              value={officerPin}
              onChange={setOfficerPin}
              maxLength={64}
              isDisabled={pending}
              isInvalid={keyProblem !== null}
            >
              <Label className="field-label">Management key</Label>
              <Input className="input mono" autoComplete="one-time-code" spellCheck="false" />
              <p className={keyProblem === null ? 'field-description' : 'field-error'}>
                {keyProblem ?? 'As hex digits: 48 for 3DES and AES-192.'}
              </p>
            </TextField>
          ) : null}
          <TextField
            className="field"
            type="password"
            value={pin}
            onChange={setPin}
            maxLength={255}
            isDisabled={pending}
            isInvalid={pinProblem(view, pin) !== null}
          >
            <Label className="field-label row">
              <span>
                PIN of <UntrustedText text={view.tokenName} />
              </span>
              {view.state === 'ok' ? null : (
                <Badge tone={pinStateWords[view.state].tone}>{pinStateWords[view.state].text}</Badge>
              )}
            </Label>
            {/* `one-time-code`: browsers neither fill such a field nor offer to keep it, and they ignore `off` on passwords. */}
            <Input ref={field} className="input" autoFocus autoComplete="one-time-code" spellCheck="false" />
            <p className={pinProblem(view, pin) === null ? 'field-description' : 'field-error'}>
              {pinProblem(view, pin) ?? view.sentence}
            </p>
          </TextField>
          {view.lastTry ? (
            <Checkbox isSelected={lastTryAgreed} onChange={setLastTryAgreed}>
              Use the last try. I know that a wrong PIN locks this token now.
            </Checkbox>
          ) : null}
          {dropped && pin === '' ? (
            <Notice>What was typed was dropped because the window lost the focus. Type it again.</Notice>
          ) : null}
        </>
      ) : (
        <Notice tone={view.kind === 'impossible' ? 'refused' : 'neutral'}>
          <UntrustedText text={view.sentence} />
        </Notice>
      )}
    </Dialog>
  )
}

function useDropOnBlur(drop: () => void): void {
  const latest = useEffectEvent(drop)
  useEffect(() => {
    const onBlur = () => latest()
    const onHidden = () => {
      if (document.visibilityState === 'hidden') latest()
    }
    window.addEventListener('blur', onBlur)
    document.addEventListener('visibilitychange', onHidden)
    return () => {
      window.removeEventListener('blur', onBlur)
      document.removeEventListener('visibilitychange', onHidden)
    }
  }, [])
}

function useIdleClose(paused: boolean, close: () => void): void {
  const latest = useEffectEvent(close)
  useEffect(() => {
    if (paused) return
    let timer = setTimeout(() => latest(), idleMilliseconds)
    const restart = () => {
      clearTimeout(timer)
      timer = setTimeout(() => latest(), idleMilliseconds)
    }
    window.addEventListener('keydown', restart)
    window.addEventListener('pointermove', restart)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('keydown', restart)
      window.removeEventListener('pointermove', restart)
    }
  }, [paused])
}
