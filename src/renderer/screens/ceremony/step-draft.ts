import type { StepInput } from '../../../shared/ceremony.ts'
import type { CeremonyStep } from '../../../shared/ceremony-script.ts'
import type { TokenId } from '../../../shared/token.ts'

/** What stands in the fields of a step. */
export type StepDraft = {
  readonly by: string
  readonly heardBy: string
  readonly people: readonly { readonly role: string; readonly name: string; readonly organisation: string }[]
  readonly token: TokenId | null
  readonly serial: string
  readonly seal: string
  readonly remark: string
  readonly pem: string
  readonly wrapped: string
  readonly reason: string
  readonly answers: Readonly<Record<string, string>>
}

export function emptyDraft(step: CeremonyStep): StepDraft {
  return {
    by: '',
    heardBy: '',
    people:
      step.kind === 'roles'
        ? step.roles.flatMap(({ role, minimum }) =>
            Array.from({ length: minimum }, () => ({ role, name: '', organisation: '' })),
          )
        : [],
    token: null,
    serial: '',
    seal: '',
    remark: '',
    pem: '',
    wrapped: '',
    reason: '',
    answers: {},
  }
}

const given = (text: string) => (text.trim() === '' ? null : text.trim())

/** What main is sent; null: something is not filled in yet. */
export function inputOf(step: CeremonyStep, draft: StepDraft): StepInput | null {
  switch (step.kind) {
    case 'note':
      return step.aloud && given(draft.by) === null ? null : { kind: 'note', by: given(draft.by) }
    case 'roles': {
      const people = draft.people.filter(({ name }) => given(name) !== null)
      if (people.length < draft.people.length || people.length === 0) return null
      return {
        kind: 'roles',
        people: people.map(({ role, name, organisation }) => ({
          role,
          name: name.trim(),
          organisation: given(organisation),
        })),
      }
    }
    case 'inspect-device': {
      const { token } = draft
      const serial = given(draft.serial)
      if (token === null || serial === null || (step.sealed && given(draft.seal) === null)) return null
      return { kind: 'inspect-device', token, serial, seal: given(draft.seal), remark: given(draft.remark) }
    }
    case 'import-key':
      return given(draft.pem) === null ? null : { kind: 'import-key', certificatePem: draft.pem }
    case 'attest':
      return { kind: 'attest', certificatesPem: draft.pem }
    case 'certificate':
      return step.issued && given(draft.pem) === null ? null : { kind: 'certificate', certificatePem: given(draft.pem) }
    case 'restore-test':
      return step.from === null && given(draft.wrapped) === null
        ? null
        : { kind: 'restore-test', wrapped: given(draft.wrapped) }
    case 'retire-key': {
      const reason = given(draft.reason)
      return reason === null ? null : { kind: 'retire-key', reason }
    }
    case 'confirm-words': {
      const [readBy, heardBy] = [given(draft.by), given(draft.heardBy)]
      return readBy === null || heardBy === null ? null : { kind: 'confirm-words', readBy, heardBy }
    }
    case 'answers': {
      const answers = step.questions.flatMap(({ id }) => {
        const answer = given(draft.answers[id] ?? '')
        return answer === null ? [] : [{ id, answer }]
      })
      return answers.length < step.questions.length ? null : { kind: 'answers', answers }
    }
    default:
      return { kind: step.kind }
  }
}
