import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Failure } from '../../../shared/failure.ts'
import type { GenerationPlan, KeyGeneration } from '../../../shared/key-generation.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { isOpenPgp } from '../../../shared/openpgp-purpose.ts'
import type { Purpose } from '../../../shared/purpose.ts'
import type { Result } from '../../../shared/result.ts'
import type { TokenObject, TokenSummary } from '../../../shared/token.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { Select } from '../../design/Select.tsx'
import { type PinAnswer, PinDialog } from '../../parts/PinDialog.tsx'
import { tokenName } from '../../parts/pin-view.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { algorithmWords } from '../../parts/wording.ts'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { abilitiesQuery } from '../../station/station-queries.ts'
import { GenerationProgress } from './GenerationProgress.tsx'
import { GenerationResult } from './GenerationResult.tsx'
import {
  algorithmOptions,
  emptyDraft,
  type GenerateDraft,
  type GenerateProblems,
  placeSentence,
  planOf,
  problemsOf,
  slotOptions,
} from './generate-view.ts'
import { OpenPgpFields, PurposeOptions } from './OpenPgpFields.tsx'

export type Typed = PinAnswer & { readonly pin: string }

type GenerateDialogProps = {
  readonly token: TokenSummary
  readonly objects: readonly TokenObject[]
  /** Of a request: what it asks for. By hand: empty. */
  readonly description: string
  /** Of a request: what the key is asked for. Null: a person chooses. */
  readonly purpose: Purpose | null
  /** A request waits for the certificate, so that a CA's would come too late. */
  readonly mayRequest: boolean
  readonly confirm: string
  readonly pending: boolean
  /** The key that was begun; null: the answer comes elsewhere. */
  readonly onConfirm: (plan: GenerationPlan, typed: Typed) => Promise<Result<KeyGeneration | null, Failure>>
  readonly onClose: () => void
}

/** Three steps: what the key is to be, then what the token wants to be told, then what came of it. */
export function GenerateDialog(props: GenerateDialogProps) {
  const { token, objects, description, purpose, mayRequest, confirm, pending, onConfirm, onClose } = props
  const station = useStation()
  const abilities = useQuery(abilitiesQuery(station, token.id))
  const [draft, setDraft] = useState(emptyDraft(description, purpose ?? 'uefi'))
  const [step, setStep] = useState<'plan' | 'pin'>('plan')
  const [made, setMade] = useState<KeyGeneration | null>(null)
  useStationEvent('desk.locked', onClose)
  const kind = tokenKind(token.id)
  const able = abilities.data ?? { algorithms: [], taken: [] }
  const plan = planOf(draft, token, able.taken)
  const problems = problemsOf(draft, kind, able.taken)
  const set = (part: Partial<GenerateDraft>) => setDraft((before) => ({ ...before, ...part }))

  if (made !== null) return <GenerationResult generation={made} onClose={onClose} />
  if (step === 'pin' && plan !== null) {
    return (
      <PinDialog
        title="Make the key on the token?"
        token={token.id}
        confirm={confirm}
        pending={pending}
        managementKey={kind === 'piv'}
        onConfirm={async (answer) => {
          const result = await onConfirm(plan, { ...answer, pin: answer.pin ?? '' })
          if (result.ok && result.value !== null) setMade(result.value)
          else if (result.ok) onClose()
          return result
        }}
        onClose={() => setStep('plan')}
      >
        <p>
          A {plan.production ? 'production' : 'test'} key {algorithmWords[plan.algorithm]} under the id{' '}
          <code>{plan.ckaId}</code> of <UntrustedText text={tokenName(token.id)} exact />. It signs{' '}
          {plan.certificate.kind === 'request' ? 'a request for a certificate' : 'its own certificate'} at once, and the
          audit log says so before it does.
        </p>
        <GenerationProgress />
      </PinDialog>
    )
  }
  return (
    <Dialog
      title="Generate a key on a token"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" isDisabled={plan === null} onPress={() => setStep('pin')}>
            Continue to the PIN …
          </Button>
        </>
      }
    >
      <p>
        On <UntrustedText text={tokenName(token.id)} exact />. {placeSentence(kind)}
      </p>
      {abilities.isError ? <FailureNotice failure={failureFrom(abilities.error)} /> : null}
      <Field
        label="Description"
        value={draft.description}
        onChange={(next) =>
          set({
            description: next,
            ...(draft.commonName === draft.description ? { commonName: next } : {}),
            ...(draft.userId === draft.description ? { userId: next } : {}),
          })
        }
        maxLength={200}
        isRequired
        autoFocus
        description="How the review sheet names the key."
      />
      <Options
        label="What it is for"
        value={draft.kind}
        onChange={(next) => set({ kind: next })}
        options={[
          {
            value: 'production',
            label: 'Production',
            description: 'Its signatures are trusted by machines of others.',
          },
          { value: 'test', label: 'Test', description: 'Marked as a test key everywhere.' },
        ]}
      />
      {purpose === null ? (
        <PurposeOptions value={draft.purpose} onChange={(next) => set({ purpose: next, algorithm: null })} />
      ) : null}
      <Options
        label="Algorithm"
        inline
        value={draft.algorithm}
        onChange={(algorithm) => set({ algorithm })}
        options={algorithmOptions(able, draft.purpose)}
      />
      <Place draft={draft} set={set} problems={problems} kind={kind} slots={slotOptions(able, objects)} />
      {isOpenPgp(draft.purpose) ? (
        <OpenPgpFields
          userId={draft.userId}
          expiryYears={draft.expiryYears}
          form={draft.form}
          mayBeEd25519={draft.algorithm === 'ed25519'}
          problems={problems}
          onChange={set}
        />
      ) : (
        <CertificateFields draft={draft} set={set} problems={problems} mayRequest={mayRequest} />
      )}
    </Dialog>
  )
}

type Part = {
  readonly draft: GenerateDraft
  readonly set: (part: Partial<GenerateDraft>) => void
  readonly problems: GenerateProblems
}

function Place({
  draft,
  set,
  problems,
  kind,
  slots,
}: Part & {
  readonly kind: ReturnType<typeof tokenKind>
  readonly slots: ReturnType<typeof slotOptions>
}) {
  if (kind === 'piv') {
    return (
      <>
        <Select
          label="Slot"
          value={draft.ckaId === '' ? null : draft.ckaId}
          onChange={(ckaId) => set({ ckaId: ckaId ?? '' })}
          options={slots}
          all="Choose a free slot"
        />
        <Options
          label="PIN"
          inline
          value={draft.pinPolicy}
          onChange={(pinPolicy) => set({ pinPolicy })}
          options={[
            { value: 'default', label: 'As the slot has it' },
            { value: 'once', label: 'Once a session' },
            { value: 'always', label: 'For each signature' },
          ]}
        />
        <Options
          label="Touch"
          inline
          value={draft.touchPolicy}
          onChange={(touchPolicy) => set({ touchPolicy })}
          options={[
            { value: 'default', label: 'As the slot has it' },
            { value: 'never', label: 'Never' },
            { value: 'always', label: 'For each signature' },
            { value: 'cached', label: 'Once in 15 seconds' },
          ]}
        />
      </>
    )
  }
  return (
    <>
      <Field
        label={kind === 'yubihsm' ? 'Object id' : 'Id (CKA_ID)'}
        value={draft.ckaId}
        onChange={(ckaId) => set({ ckaId })}
        problem={problems.ckaId ?? null}
        mono
        maxLength={64}
        isRequired
        description={kind === 'yubihsm' ? 'Four hex digits.' : 'Pairs of hex digits. It must be free.'}
      />
      <Field
        label="Label on the token"
        value={draft.label}
        onChange={(label) => set({ label })}
        problem={problems.label ?? null}
        maxLength={40}
        description="Empty: the description."
      />
    </>
  )
}

function CertificateFields({ draft, set, problems, mayRequest }: Part & { readonly mayRequest: boolean }) {
  return (
    <>
      {mayRequest ? (
        <Options
          label="Certificate"
          value={draft.certificate}
          onChange={(certificate) => set({ certificate })}
          options={[
            {
              value: 'self-signed',
              label: 'Self-signed',
              description: 'Made with the key at once; the key is registered.',
            },
            {
              value: 'request',
              label: 'By a CA',
              description: 'The key signs a request (PKCS#10). It is registered when you bring the certificate.',
            },
          ]}
        />
      ) : null}
      <Field
        label="Common name"
        value={draft.commonName}
        onChange={(commonName) => set({ commonName })}
        problem={problems.commonName ?? null}
        isRequired
      />
      <Field
        label="Organization"
        value={draft.organization}
        onChange={(organization) => set({ organization })}
        problem={problems.organization ?? null}
      />
      <Field
        label="Organizational unit"
        value={draft.unit}
        onChange={(unit) => set({ unit })}
        problem={problems.unit ?? null}
      />
      <Field
        label="Country"
        value={draft.country}
        onChange={(country) => set({ country })}
        problem={problems.country ?? null}
        maxLength={2}
      />
      {draft.certificate === 'self-signed' ? (
        <Field
          label="Valid for years"
          value={draft.years}
          onChange={(years) => set({ years })}
          problem={problems.years ?? null}
          maxLength={2}
          isRequired
        />
      ) : null}
    </>
  )
}
