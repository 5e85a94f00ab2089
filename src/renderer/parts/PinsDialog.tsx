import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import type { TokenId } from '../../shared/token.ts'
import { Button } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { FailureNotice, Notice } from '../design/Notice.tsx'
import { useStation, useStationEvent } from '../station/station-context.tsx'
import { tokensQuery } from '../station/station-queries.ts'
import { ManagementKeyField, PinField } from './PinField.tsx'
import {
  type AskedToken,
  managementKeyProblem,
  type PinView,
  pinReady,
  pinView,
  sameToken,
  tokenKey,
  tokenName,
} from './pin-view.ts'
import { UntrustedText } from './UntrustedText.tsx'
import { useDropOnBlur, useIdleClose } from './use-dialog-guards.ts'
import { useTypedPins } from './use-typed-pins.ts'
import './pins-dialog.css'

export type TokenPin = { readonly token: TokenId; readonly pin: string; readonly useLastTry: boolean }

export type PinsAnswer = {
  /** One for each token that was asked about, in that order. */
  readonly pins: readonly TokenPin[]
  /** A YubiKey's management key as hex, where it was asked for. */
  readonly officerPin: string | null
}

export type PinsDialogProps = {
  readonly title: ReactNode
  /** No two the same. None: every key is in software, and no PIN is wanted. */
  readonly tokens: readonly AskedToken[]
  readonly confirm: string
  readonly pending: boolean
  /** Whether the token wants its management key, too. */
  readonly managementKey?: boolean
  readonly wide?: boolean
  /** Sends the answer; the dialog closes when it is accepted. */
  readonly onConfirm: (answer: PinsAnswer) => Promise<Result<unknown, Failure>>
  readonly onClose: () => void
  readonly children: ReactNode
}

/**
 * Asks for the PIN of each token and for the last word. Enter in a field does nothing: only the button itself confirms. The PINs
 * live in this component alone and are dropped, all together, when the window loses focus, the desk is locked, an attempt fails
 * or the dialog closes.
 */
export function PinsDialog(props: PinsDialogProps) {
  const { title, tokens, confirm, pending, managementKey = false, wide = false, onConfirm, onClose, children } = props
  const station = useStation()
  const seen = useQuery(tokensQuery(station))
  const fields = tokens.map((asked) => ({
    ...asked,
    view: pinView(asked.token, seen.data?.tokens.find(({ token }) => sameToken(token.id, asked.token))?.token ?? null),
  }))
  const typed = useTypedPins()
  const [officerPin, setOfficerPin] = useState('')
  const [dropped, setDropped] = useState(false)
  const [failure, setFailure] = useState<Failure | null>(null)
  const first = fields.find(({ view }) => view.kind === 'wanted') ?? null
  const firstField = useFirstField(first !== null, failure !== null && !pending)
  const empty = typed.isEmpty && officerPin === ''
  useStationEvent('desk.locked', onClose)
  useDropOnBlur(() => {
    if (!empty) setDropped(true)
    typed.drop()
    setOfficerPin('')
  })
  useIdleClose(pending, onClose)

  const ready =
    fields.every(({ token, view }) => pinReady(view, typed.of(token).pin, typed.of(token).lastTryAgreed)) &&
    (!managementKey || (officerPin !== '' && managementKeyProblem(officerPin) === null))

  async function confirmed() {
    const answer: PinsAnswer = {
      pins: fields.map(({ token, view }) => ({
        token,
        pin: typed.of(token).pin,
        useLastTry: view.kind === 'wanted' && view.lastTry && typed.of(token).lastTryAgreed,
      })),
      officerPin: managementKey ? officerPin : null,
    }
    setFailure(null)
    setDropped(false)
    setOfficerPin('')
    typed.clear()
    const result = await onConfirm(answer)
    if (result.ok) onClose()
    else {
      setFailure(result.error)
      void seen.refetch()
    }
  }

  return (
    <Dialog
      title={title}
      role="alertdialog"
      isOpen
      wide={wide}
      onClose={() => {
        if (!pending) onClose()
      }}
      actions={
        <>
          <Button onPress={onClose} isDisabled={pending} autoFocus={first === null}>
            Cancel
          </Button>
          <Button
            variant="primary"
            isPending={pending}
            isDisabled={!ready && !pending}
            onPress={() => void confirmed()}
          >
            {pending ? `Waiting for the ${fields.length > 1 ? 'tokens' : 'token'} …` : confirm}
          </Button>
        </>
      }
    >
      {children}
      {failure === null ? null : <PinFailure failure={failure} several={fields.length > 1} />}
      {fields.length === 0 ? <NoField view={pinView(null, null)} name={null} /> : null}
      {managementKey && first !== null ? (
        <ManagementKeyField value={officerPin} isDisabled={pending} onChange={setOfficerPin} />
      ) : null}
      {fields.map(({ token, opens, view }) => {
        const name = tokenName(token)
        const field =
          view.kind === 'wanted' ? (
            <PinField
              view={view}
              opens={opens}
              typed={typed.of(token)}
              isDisabled={pending}
              input={token === first?.token ? firstField : null}
              onType={(pin) => typed.type(token, pin)}
              onAgree={(agreed) => typed.agree(token, agreed)}
            />
          ) : (
            <NoField view={view} name={fields.length > 1 ? name : null} />
          )
        return fields.length === 1 ? (
          <div key={tokenKey(token)} className="pin-token">
            {field}
          </div>
        ) : (
          <div key={tokenKey(token)} className="pin-token" role="group" aria-label={name}>
            {field}
          </div>
        )
      })}
      {dropped && empty && first !== null ? (
        <Notice>What was typed was dropped because the window lost the focus. Type it again.</Notice>
      ) : null}
    </Dialog>
  )
}

function PinFailure({ failure, several }: { readonly failure: Failure; readonly several: boolean }) {
  const title = several ? 'A token refused its PIN' : 'The token refused the PIN'
  return <FailureNotice failure={failure} {...(failure.code === 'pin-incorrect' ? { title } : {})} />
}

/** Where no PIN can be typed: none is wanted, or the token cannot take it. */
function NoField({ view, name }: { readonly view: PinView; readonly name: string | null }) {
  if (view.kind === 'wanted') return null
  return (
    <Notice
      tone={view.kind === 'impossible' ? 'refused' : 'neutral'}
      {...(name === null ? {} : { title: <UntrustedText text={name} /> })}
    >
      <UntrustedText text={view.sentence} />
    </Notice>
  )
}

/**
 * Where the focus goes: to the first field when the dialog opens or its only token comes, and back there after a failure, because
 * the fields were disabled meanwhile. Never to a field that appears while others are there: the rest of a PIN that somebody is
 * typing would go to another token.
 */
function useFirstField(anyField: boolean, failed: boolean) {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (anyField) field.current?.focus()
  }, [anyField])
  useEffect(() => {
    if (failed) field.current?.focus()
  }, [failed])
  return field
}
