import type { StepInput } from '../../../shared/ceremony.ts'
import type { CeremonyStep } from '../../../shared/ceremony-script.ts'
import type { Failure } from '../../../shared/failure.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { isOpenPgp } from '../../../shared/openpgp-purpose.ts'
import { pgpWords } from '../../../shared/pgp-words.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { type Act, type Attempt, fact } from '../ports.ts'
import { certificateOf } from './key-evidence.ts'
import { keyOf } from './whose.ts'

// Steps that look, listen and write down.

export const note: Act<'note'> = async ({ step, input }) => {
  if (step.aloud && input.by === null) return err(incomplete('Who read it aloud is not filled in.'))
  return ok({ facts: input.by === null ? [] : [fact(step.aloud ? 'Read aloud by' : 'Done by', input.by)] })
}

export const roles: Act<'roles'> = async ({ step, input }) => {
  for (const { role, minimum } of step.roles) {
    const there = new Set(input.people.filter((person) => person.role === role).map(({ name }) => name))
    if (there.size < minimum)
      return err(
        incomplete(
          `The script wants ${minimum} ${minimum === 1 ? 'person' : 'different people'} in the role “${role}”, and there ${there.size === 1 ? 'is' : 'are'} ${there.size}.`,
        ),
      )
  }
  return ok({
    facts: input.people.map(({ role, name, organisation }) =>
      fact(role, organisation === null ? name : `${name}, ${organisation}`),
    ),
    people: input.people,
  })
}

/** The device is told by what it says of itself; that it is the one on the table, by the number on its case. */
export const inspectDevice: Act<'inspect-device'> = async ({ ports, step, input }) => {
  if (step.sealed && input.seal === null)
    return err(incomplete('The number of the seal or of the bag is not filled in.'))
  const { tokens } = await ports.tokens.list({ refresh: true })
  const { manufacturer, model, serial } = input.token
  const found = tokens.find(
    ({ token }) => token.id.serial === serial && token.id.model === model && token.id.manufacturer === manufacturer,
  )
  if (found === undefined) return err(deviceAbsent(serial))
  if (found.problem !== null) return err(found.problem)
  if (step.model !== 'any' && tokenKind(found.token.id) !== (step.model === 'yubikey' ? 'piv' : 'yubihsm'))
    return err(otherModel(step.model === 'yubikey' ? 'YubiKey' : 'YubiHSM', model))
  if (plainSerial(input.serial) !== plainSerial(serial)) return err(otherSerial(input.serial, serial))
  const { token } = found
  return ok({
    facts: [
      fact('Device', `${manufacturer} ${model}`),
      fact('Serial number, as the device says', serial),
      fact('Serial number, as read from the case', input.serial),
      fact('Firmware', token.firmware),
      fact('Hardware', token.hardware),
      fact('Label', token.label),
      ...(input.seal === null ? [] : [fact('Seal or bag', input.seal)]),
      ...(input.remark === null ? [] : [fact('Remark', input.remark, 'lines')]),
    ],
    device: { name: step.device, token: token.id, firmware: token.firmware },
  })
}

/** YubiHSMs are written with leading zeros by PKCS#11, and with or without them on the case. */
function plainSerial(serial: string): string {
  return serial.replace(/^0+(?=.)/, '').toUpperCase()
}

export const software: Act<'software'> = async ({ ports }) => {
  const { version, sha256, files, runtime, runtimeSha256 } = await ports.program()
  return ok({
    facts: [
      fact('Version', version),
      fact(`SHA-256 over its ${files} files`, sha256, 'digest'),
      fact('The same in words', wordsOf(sha256), 'words'),
      fact('Runs on', runtime),
      fact('SHA-256 of that binary', runtimeSha256, 'digest'),
    ],
  })
}

/** What is read aloud in a step of words; null: what it is about is not there. */
export async function digestFor(
  attempt: Pick<Attempt<'confirm-words'>, 'step' | 'records' | 'scriptSha256' | 'ports'>,
): Promise<Result<{ readonly what: string; readonly hex: string }, Failure>> {
  const { step, records, scriptSha256 } = attempt
  if (step.what === 'script') return ok({ what: 'SHA-256 of the script', hex: scriptSha256 })
  const key = keyOf(records, step.key ?? '')
  if (!key.ok) return key
  if (step.what === 'public-key')
    return ok({ what: 'SHA-256 of the public key (SubjectPublicKeyInfo)', hex: key.value.spkiSha256 })
  const certificate = await certificateOf(attempt.ports, key.value)
  if (!certificate.ok) return certificate
  const what = isOpenPgp(key.value.purpose) ? 'OpenPGP fingerprint' : 'SHA-256 of the certificate'
  return ok({ what, hex: certificate.value.fingerprint.toLowerCase() })
}

export const confirmWords: Act<'confirm-words'> = async (attempt) => {
  const { readBy, heardBy } = attempt.input
  if (readBy === heardBy) return err(incomplete('Who reads and who compares must be two people.'))
  const digest = await digestFor(attempt)
  if (!digest.ok) return digest
  const { what, hex } = digest.value
  return ok({
    facts: [
      fact(what, hex, 'digest'),
      fact('In words', wordsOf(hex), 'words'),
      fact('Read aloud by', readBy),
      fact('Compared by', heardBy),
    ],
  })
}

export function wordsOf(hex: string): string {
  return pgpWords(hex)
    .map(({ word }) => word)
    .join(' ')
}

export const checkpoint: Act<'checkpoint'> = async ({ ports, step }) => {
  const written = await ports.checkpoints.write()
  if (!written.ok) return written
  const { size, note: text } = written.value
  return ok({
    facts: [fact('Entries', String(size)), fact('Checkpoint', text, 'lines')],
    files: [{ name: `${step.id}.checkpoint`, content: Buffer.from(text) }],
  })
}

export const answers: Act<'answers'> = async ({ step, input }) => {
  const given = new Map(input.answers.map(({ id, answer }) => [id, answer]))
  const open = step.questions.find(({ id }) => !given.has(id))
  if (open !== undefined) return err(incomplete(`The question “${open.question.slice(0, 80)}” has no answer.`))
  const unknown = input.answers.find(({ id }) => !step.questions.some((question) => question.id === id))
  if (unknown !== undefined) return err(incomplete(`There is no question “${unknown.id}”.`))
  return ok({
    facts: step.questions.map(({ id, question }) => fact(question.slice(0, 200), given.get(id) ?? '', 'lines')),
    files: [{ name: `${step.id}.txt`, content: Buffer.from(answersText(step, input)) }],
  })
}

function answersText(
  { title, questions }: Extract<CeremonyStep, { kind: 'answers' }>,
  input: Extract<StepInput, { kind: 'answers' }>,
): string {
  const answer = (id: string) => input.answers.find((each) => each.id === id)?.answer ?? ''
  const parts = questions.map(({ id, question }) => `${question}\n\n${answer(id)}\n`)
  return [`${title}\n`, ...parts].join(`\n${'-'.repeat(72)}\n\n`)
}

export function incomplete(why: string): Failure {
  return { kind: 'invalid', code: 'step-incomplete', message: `${why} The step is still open.` }
}
function deviceAbsent(serial: string): Failure {
  return {
    kind: 'unavailable',
    code: 'token-absent',
    message: `The device with serial number ${serial} is not here. The step is still open. Plug it in and try again.`,
  }
}
function otherModel(wanted: string, model: string): Failure {
  return {
    kind: 'refused',
    code: 'device-of-another-kind',
    message: `The script wants a ${wanted}, and this device says that it is a “${model}”. The step is still open.`,
  }
}
function otherSerial(typed: string, serial: string): Failure {
  return {
    kind: 'refused',
    code: 'serial-differs',
    message: `The case says ${typed}, and the device says ${serial}. It is not the one on the table, or the number was mistyped. The step is still open.`,
  }
}
