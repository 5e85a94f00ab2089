import { useQuery } from '@tanstack/react-query'
import type { CeremonyStep } from '../../../shared/ceremony-script.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { Select } from '../../design/Select.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation } from '../../station/station-context.tsx'
import { tokensQuery } from '../../station/station-queries.ts'
import { PersonField } from './PersonField.tsx'
import type { StepDraft } from './step-draft.ts'
import { WordsAloud } from './WordsAloud.tsx'

export type StepFormProps = {
  readonly step: CeremonyStep
  readonly draft: StepDraft
  readonly set: (change: Partial<StepDraft>) => void
  readonly people: readonly string[]
  readonly words: readonly { readonly hex: string; readonly word: string }[] | null
}

/** What is typed or chosen in a step. */
export function StepForm(props: StepFormProps) {
  const { step, draft, set, people, words } = props
  switch (step.kind) {
    case 'note':
      return step.aloud ? (
        <PersonField label="Read aloud by" value={draft.by} onChange={(by) => set({ by })} people={people} />
      ) : null
    case 'roles':
      return <PeopleForm {...props} step={step} />
    case 'inspect-device':
      return <DeviceForm {...props} step={step} />
    case 'import-key':
      return <Pem label="Certificate of the key (PEM)" draft={draft} set={set} />
    case 'certificate':
      return step.issued ? <Pem label="Certificate that the CA issued (PEM)" draft={draft} set={set} /> : null
    case 'attest':
      return (
        <Pem
          label="Certificates of the attestation (PEM), if the device does not show them itself"
          draft={draft}
          set={set}
        />
      )
    case 'restore-test':
      return step.from === null ? (
        <Field
          label="The backup’s file (base64)"
          value={draft.wrapped}
          onChange={(wrapped) => set({ wrapped })}
          rows={5}
          mono
          maxLength={16_384}
          description="As yubihsm-shell and this station write it (.yhw)."
        />
      ) : null
    case 'retire-key':
      return (
        <Field
          label="Why"
          value={draft.reason}
          onChange={(reason) => set({ reason })}
          rows={3}
          maxLength={1000}
          isRequired
        />
      )
    case 'confirm-words':
      return (
        <>
          {words === null ? null : <WordsAloud words={words} />}
          <div className="ceremony-pair">
            <PersonField label="Read aloud by" value={draft.by} onChange={(by) => set({ by })} people={people} />
            <PersonField
              label="Compared by"
              value={draft.heardBy}
              onChange={(heardBy) => set({ heardBy })}
              people={people}
            />
          </div>
        </>
      )
    case 'answers':
      return (
        <div className="ceremony-questions">
          {step.questions.map(({ id, question, hint }) => (
            <Field
              key={id}
              label={<UntrustedText text={question} multiline />}
              value={draft.answers[id] ?? ''}
              onChange={(answer) => set({ answers: { ...draft.answers, [id]: answer } })}
              rows={3}
              maxLength={8000}
              description={hint === undefined ? undefined : <UntrustedText text={hint} multiline />}
              isRequired
            />
          ))}
        </div>
      )
    default:
      return null
  }
}

function Pem({ label, draft, set }: { readonly label: string } & Pick<StepFormProps, 'draft' | 'set'>) {
  return <Field label={label} value={draft.pem} onChange={(pem) => set({ pem })} rows={6} mono maxLength={65_536} />
}

function PeopleForm({ step, draft, set }: StepFormProps & { readonly step: Extract<CeremonyStep, { kind: 'roles' }> }) {
  const change = (index: number, part: Partial<StepDraft['people'][number]>) =>
    set({ people: draft.people.map((person, at) => (at === index ? { ...person, ...part } : person)) })
  return (
    <div className="ceremony-people">
      {draft.people.map((person, index) => (
        <div key={index} className="ceremony-person" role="group" aria-label={`${person.role} ${index + 1}`}>
          <Select
            label="Role"
            value={person.role}
            onChange={(role) => change(index, { role: role ?? person.role })}
            options={step.roles.map(({ role }) => ({ value: role, label: role }))}
            all="Choose a role"
          />
          <Field label="Name" value={person.name} onChange={(name) => change(index, { name })} maxLength={120} />
          <Field
            label="Organisation"
            value={person.organisation}
            onChange={(organisation) => change(index, { organisation })}
            maxLength={120}
          />
        </div>
      ))}
      <div>
        <Button
          size="s"
          icon="plus"
          onPress={() =>
            set({ people: [...draft.people, { role: step.roles[0]?.role ?? '', name: '', organisation: '' }] })
          }
        >
          Add a person
        </Button>
      </div>
    </div>
  )
}

function DeviceForm({
  step,
  draft,
  set,
}: StepFormProps & { readonly step: Extract<CeremonyStep, { kind: 'inspect-device' }> }) {
  const station = useStation()
  const tokens = useQuery(tokensQuery(station))
  const wanted = (tokens.data?.tokens ?? []).filter(
    ({ token }) => step.model === 'any' || tokenKind(token.id) === (step.model === 'yubihsm' ? 'yubihsm' : 'piv'),
  )
  return (
    <>
      <div className="row">
        <Button
          size="s"
          icon="refresh"
          onPress={() => void station.tokensList({ refresh: true }).then(() => tokens.refetch())}
        >
          Read tokens again
        </Button>
        {wanted.length === 0 ? <span className="muted">No such device is shown. Plug it in.</span> : null}
      </div>
      <Select
        label="Device, as the station sees it"
        value={draft.token === null ? null : keyOf(draft.token)}
        onChange={(key) => set({ token: wanted.find(({ token }) => keyOf(token.id) === key)?.token.id ?? null })}
        options={wanted.map(({ token }) => ({
          value: keyOf(token.id),
          label: `${token.id.manufacturer} ${token.id.model}, serial ${token.id.serial}`,
        }))}
        all="Choose a device"
      />
      <div className="ceremony-pair">
        <Field
          label="Serial number on the case"
          value={draft.serial}
          onChange={(serial) => set({ serial })}
          mono
          maxLength={64}
          isRequired
          description="Read from the case, not from the screen."
        />
        <Field
          label="Number of the seal or the bag"
          value={draft.seal}
          onChange={(seal) => set({ seal })}
          mono
          maxLength={120}
          isRequired={step.sealed}
        />
      </div>
      <Field label="Remark" value={draft.remark} onChange={(remark) => set({ remark })} maxLength={1000} />
    </>
  )
}

function keyOf(token: NonNullable<StepDraft['token']>): string {
  return JSON.stringify([token.manufacturer, token.model, token.serial])
}
