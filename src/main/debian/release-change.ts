import type { ReleaseChange, ReleaseFacts } from '../../shared/release-facts.ts'
import type { ReleaseReading } from './release.ts'

const maxExamples = 60

/** What the new `Release` vouches for that the last signed one of the suite did not, and the other way round. */
export function changeSince(before: ReleaseReading, after: ReleaseReading): ReleaseChange {
  const differences: { readonly how: 'added' | 'removed' | 'changed'; readonly name: string }[] = []
  let unchanged = 0
  for (const [name, index] of after.indexes) {
    const last = before.indexes.get(name)
    if (last === undefined) differences.push({ how: 'added', name })
    else if (last.sha256 === index.sha256 && last.size === index.size) unchanged++
    else differences.push({ how: 'changed', name })
  }
  for (const name of before.indexes.keys()) if (!after.indexes.has(name)) differences.push({ how: 'removed', name })
  const count = (how: string) => differences.filter((each) => each.how === how).length
  // What is new or gone says more than what was rebuilt.
  const rank = { added: 0, removed: 1, changed: 2 }
  const sorted = differences.sort((a, b) => rank[a.how] - rank[b.how] || (a.name < b.name ? -1 : 1))
  return {
    date: before.facts.date,
    added: count('added'),
    removed: count('removed'),
    changed: count('changed'),
    unchanged,
    examples: sorted.slice(0, maxExamples),
    fields: fieldsThatDiffer(before.facts, after.facts),
  }
}

function fieldsThatDiffer(before: ReleaseFacts, after: ReleaseFacts): ReleaseChange['fields'] {
  const shown: readonly (readonly [string, (facts: ReleaseFacts) => string | null])[] = [
    ['Origin', ({ origin }) => origin],
    ['Label', ({ label }) => label],
    ['Suite', ({ suite }) => suite],
    ['Codename', ({ codename }) => codename],
    ['Version', ({ version }) => version],
    ['Description', ({ description }) => description],
    // A later one is of each Release; none at all would be taken as current for ever.
    ['Valid-Until', ({ validUntil }) => (validUntil === null ? null : 'given')],
    ['Components', ({ components }) => components.join(' ')],
    ['Architectures', ({ architectures }) => architectures.join(' ')],
    ['Acquire-By-Hash', ({ acquireByHash }) => (acquireByHash === null ? null : acquireByHash ? 'yes' : 'no')],
    ['NotAutomatic', ({ notAutomatic }) => (notAutomatic === null ? null : notAutomatic ? 'yes' : 'no')],
  ]
  return [
    ...shown.flatMap(([name, of]) =>
      of(before) === of(after) ? [] : [{ name, before: of(before), after: of(after) }],
    ),
    ...othersThatDiffer(before, after),
  ]
}

function othersThatDiffer(before: ReleaseFacts, after: ReleaseFacts): ReleaseChange['fields'] {
  // As the newer one spells them, where it has them.
  const names = new Map([...before.others, ...after.others].map(({ name }) => [name.toLowerCase(), name]))
  const valueIn = ({ others }: ReleaseFacts, wanted: string) =>
    others.find(({ name }) => name.toLowerCase() === wanted)?.value ?? null
  return [...names].flatMap(([key, name]) => {
    const [was, is] = [valueIn(before, key), valueIn(after, key)]
    return was === is ? [] : [{ name, before: was, after: is }]
  })
}
