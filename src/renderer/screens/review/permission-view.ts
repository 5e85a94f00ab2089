import type { PermissionAnswer, ReviewSheet } from '../../../shared/review-sheet.ts'
import { type Fact, text } from '../../parts/fact.ts'
import { numbersOfKeys } from './key-numbers.ts'

type Asked = { readonly fact: Fact; readonly artifacts: number[]; readonly keys: number[] }

/** The same answer for all artifacts and keys is one fact; answers that differ are one fact each. */
export function permissionFacts({ artifacts, furtherKeys = [] }: ReviewSheet): readonly Fact[] {
  const answers = [
    ...artifacts.map(({ artifactId, permission }) => ({ artifactId, permission, key: 1 })),
    // An index is one artifact, and each further key of it is asked about for that one.
    ...furtherKeys.map(({ permission }, index) => ({
      artifactId: artifacts[0]?.artifactId ?? 0,
      permission,
      key: index + 2,
    })),
  ]
  const facts = new Map<string, Asked>()
  for (const { artifactId, permission, key } of answers) {
    const fact = permissionFact(key === 1 ? `permission-${artifactId}` : `permission-key-${key}`, permission)
    const same = `${fact.assurance} ${JSON.stringify(fact.value)}`
    const known = facts.get(same)
    if (known === undefined) facts.set(same, { fact, artifacts: [artifactId], keys: [key] })
    else {
      known.artifacts.push(artifactId)
      known.keys.push(key)
    }
  }
  const all = [...facts.values()]
  return all.map(({ fact, artifacts, keys }) => {
    if (furtherKeys.length > 0) {
      const whose = all.length === 1 ? 'all keys' : numbersOfKeys(keys).toLowerCase()
      return { ...fact, label: `${fact.label}, ${whose}` }
    }
    return all.length === 1 ? fact : { ...fact, label: `${fact.label} (artifact ${artifacts.join(', ')})` }
  })
}

/** The server's answer, as a fact of that id. */
export function permissionFact(id: string, permission: PermissionAnswer): Fact {
  const base = { id, label: 'Permission' }
  switch (permission.kind) {
    case 'answered':
      return {
        ...base,
        value: text(
          `${permission.allowed ? 'Allowed' : 'Not allowed'} for ${permission.username} (user number ${permission.userId})`,
        ),
        source: 'server',
        assurance: 'claimed',
      }
    case 'no-such-key':
      return { ...base, value: text('The server knows no asset with this key'), source: 'server', assurance: 'claimed' }
    case 'not-answered':
      return { ...base, value: text(`No answer: ${permission.reason}`), source: 'server', assurance: 'unknown' }
    case 'by-hand':
      return {
        ...base,
        value: text(`Not asked: opened by hand at this station by ${permission.openedBy}`),
        source: 'station',
        assurance: 'unknown',
      }
    case 'own-signature':
      return {
        ...base,
        value: text(
          permission.mine
            ? `The server waits for the signature of ${permission.username} (user number ${permission.userId}), who made the task`
            : `The server waits for another person’s signature than ${permission.username}’s`,
        ),
        source: 'server',
        assurance: 'claimed',
      }
  }
}
