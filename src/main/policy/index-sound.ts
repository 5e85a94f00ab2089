import type { Check } from '../../shared/check.ts'
import type { ReleaseFacts } from '../../shared/release-facts.ts'
import { type Evidence, fromEvidence, nameOfArtifact, nameOfFile } from './evidence.ts'
import { hiddenCharacter } from './hidden-characters.ts'
import type { PolicyInput } from './policy-input.ts'

/** Octets of a `Release` that can be clear-signed: the output is kept in the database, where one has at most 1 MiB. */
export const maxClearRelease = 1_000_000

/** Whether apt would take what is signed: one reading, and times that are not over. */
export function checkIndexSound({ artifacts, now }: Pick<PolicyInput, 'artifacts' | 'now'>): Check {
  const evidence = artifacts.flatMap((artifact): Evidence[] => {
    const [file, ...more] = artifact.files
    const { repositoryIndex: index } = artifact
    const of = { subject: nameOfArtifact(artifact), source: 'server' } as const
    if (file === undefined || index === undefined || more.length > 0)
      return [{ ...of, found: 'has not exactly one file', outcome: 'refused' }]
    const base = { subject: nameOfFile(file), source: 'file' } as const
    if (file.facts.kind !== 'release')
      return [
        {
          ...base,
          found: file.facts.kind === 'opaque' ? file.facts.reason : 'was not read as a Release',
          outcome: 'refused',
        },
      ]
    const { facts } = file
    if (facts.faults.length > 0)
      return facts.faults.map(({ message }) => ({ ...base, found: message, outcome: 'refused' }))
    if (index.mode === 'clear' && file.size > maxClearRelease)
      return [
        {
          ...base,
          found: `has ${file.size} bytes; this station clear-signs an index of ${maxClearRelease} at most, and makes a detached signature of any`,
          outcome: 'refused',
        },
      ]
    if (file.toBeSigned === null) return [{ ...base, found: 'no digest could be made', outcome: 'refused' }]
    return [
      {
        ...base,
        found: `one reading only, ${facts.indexes} indexes; SHA-256 ${file.toBeSigned.digest}`,
        outcome: 'passed',
      },
      ...times(facts.date, facts.validUntil, now).map((each): Evidence => ({ ...base, ...each })),
      ...unseen(facts).map((found): Evidence => ({ ...base, found, outcome: 'attention' })),
    ]
  })
  return fromEvidence('index-sound', evidence, {
    passed: 'The Release is well-formed, and its times are right.',
    attention: evidence.some(({ found }) => found.endsWith(liesAhead))
      ? 'The Release is well-formed; its Date lies ahead, so that apt would not take it yet.'
      : 'The Release is well-formed; something in it has to be looked at before it is signed.',
    refused: 'The Release cannot be signed.',
    unknown: '',
    'not-applicable': 'There is no index.',
  })
}

const liesAhead = ': it lies ahead'

function unseen(facts: ReleaseFacts): readonly string[] {
  const { origin, label, suite, codename, version, description, components, architectures, others } = facts
  const first = hiddenCharacter([
    origin,
    label,
    suite,
    codename,
    version,
    description,
    ...components,
    ...architectures,
    // The line ends of a folded field are its own.
    ...others.map(({ value }) => value.replaceAll('\n', ' ')),
  ])
  return first === null ? [] : [`has characters that are not seen as they are, the first ${first}`]
}

/** A clock may be a little off; apt allows some seconds. */
const toleranceMs = 5 * 60_000

function times(
  date: string | null,
  validUntil: string | null,
  now: Date,
): readonly Pick<Evidence, 'found' | 'outcome'>[] {
  const ahead = date !== null && Date.parse(date) > now.getTime() + toleranceMs
  const over = validUntil !== null && Date.parse(validUntil) <= now.getTime()
  const before = validUntil !== null && date !== null && Date.parse(validUntil) <= Date.parse(date)
  return [
    { found: `Date ${date ?? 'none'}${ahead ? liesAhead : ''}`, outcome: ahead ? 'attention' : 'passed' },
    {
      found: `Valid-Until ${validUntil ?? 'none: it does not run out'}${before ? ': it is before the Date' : over ? ': it is over' : ''}`,
      outcome: over || before ? 'refused' : 'passed',
    },
  ]
}

const isBefore = 'is BEFORE that of the last one'

/**
 * An index with an older Date than the last one of its suite would be a step back for everybody who has that one. A person may know why,
 * and says so by name.
 */
export function checkIndexProgress({ artifacts }: Pick<PolicyInput, 'artifacts'>): Check {
  const evidence = artifacts.flatMap((artifact): Evidence[] => {
    const { repositoryIndex: index } = artifact
    const facts = artifact.files[0]?.facts
    if (index === undefined || facts?.kind !== 'release') return []
    const base = { subject: `suite ${index.suite}`, source: 'station' } as const
    const { last } = index
    if (last === null) return [{ ...base, found: 'no index of this suite was signed here before', outcome: 'passed' }]
    const when = `signed here on ${last.at.slice(0, 16).replace('T', ' ')} UTC, Date ${last.date ?? 'none'}`
    const back = last.date !== null && (facts.date === null || Date.parse(facts.date) < Date.parse(last.date))
    const change = facts.change
    return [
      back
        ? {
            ...base,
            found: `its Date ${facts.date ?? 'none'} ${isBefore} (${when})`,
            outcome: 'attention',
          }
        : { ...base, found: `its Date is not before that of the last one (${when})`, outcome: 'passed' },
      change === null
        ? { ...base, found: 'the last one could not be compared with it', outcome: 'attention' }
        : {
            ...base,
            found: `${change.added} added, ${change.removed} removed, ${change.changed} changed, ${change.unchanged} unchanged`,
            outcome: change.fields.length > 0 ? 'attention' : 'passed',
          },
      ...(change?.fields ?? []).map(
        ({ name, before, after }): Evidence => ({
          ...base,
          found: `${name} was “${before ?? ''}” and is “${after ?? ''}”`,
          outcome: 'attention',
        }),
      ),
    ]
  })
  return fromEvidence('index-progress', evidence, {
    passed: 'It follows on the last index of its suite that was signed here.',
    attention: evidence.some(({ found }) => found.includes(isBefore))
      ? 'Its Date is BEFORE that of the last index of this suite that was signed here: who has that one would be taken back in time.'
      : 'It is later than the last index of this suite that was signed here, and changes what the suite says of itself.',
    refused: '',
    unknown: '',
    'not-applicable': 'There is no index that could be compared.',
  })
}
