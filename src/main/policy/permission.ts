import type { Check } from '../../shared/check.ts'
import { type Evidence, fromEvidence, nameOfArtifact } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/**
 * The server's word on whether the request's creator may have this artifact signed with this key (`sign_with`).
 *
 * For files that were opened by hand nobody was asked, and that is never `passed`: no second party has said yes. It is not `refused`
 * either, or a file could never be signed by hand, and not `not-applicable`, because the question does arise: who allowed this use of the
 * key? The one answer there is, the name of the person at the desk, is `attention`: acknowledged by name at each approval, and named so in
 * the log's `approved` entry, where an auditor finds every signature that one person alone answered for.
 */
export function checkPermission({ artifacts }: PolicyInput): Check {
  const evidence = artifacts.map((artifact): Evidence => {
    const base = { subject: nameOfArtifact(artifact), source: 'server' } as const
    const { permission } = artifact
    switch (permission.kind) {
      case 'answered': {
        const who = `${permission.username} (user ${permission.userId})`
        return permission.allowed
          ? { ...base, found: `${who} may sign ${resourceText(permission.resource)} with this key`, outcome: 'passed' }
          : {
              ...base,
              found: `${who} may not sign ${resourceText(permission.resource)} with this key`,
              outcome: 'refused',
            }
      }
      case 'no-such-key':
        return { ...base, found: 'the server knows no such key', outcome: 'refused' }
      case 'not-answered':
        return { ...base, found: permission.reason, outcome: 'unknown' }
      case 'by-hand':
        return {
          subject: 'opened files',
          source: 'station',
          found: `not asked: opened by hand at this station by ${permission.openedBy}`,
          outcome: 'attention',
        }
      case 'own-signature':
        return permission.mine
          ? {
              ...base,
              found: `${permission.username} (user ${permission.userId}) made the task, and it waits for their own signature`,
              outcome: 'passed',
            }
          : { ...base, found: `the task is not one of ${permission.username}’s`, outcome: 'refused' }
    }
  })
  const own = artifacts.some(({ permission }) => permission.kind === 'own-signature')
  return fromEvidence('permission', evidence, {
    passed: own
      ? 'The server waits for the signature of the person whose API token is set. It asks nothing about the key.'
      : 'The server says that the person who asked may have this signed with this key.',
    refused: own
      ? 'The server waits for the signature of another person than the one whose API token is set.'
      : 'The server says no: the person who asked may not have this signed with this key.',
    unknown: 'The server did not answer whether the person who asked may have this signed.',
    attention: byHandSentence(artifacts),
    'not-applicable': 'The request has no artifacts.',
  })
}

function byHandSentence(artifacts: PolicyInput['artifacts']): string {
  const [name] = artifacts.flatMap(({ permission }) => (permission.kind === 'by-hand' ? [permission.openedBy] : []))
  return name === undefined
    ? ''
    : `Not asked: opened by hand at this station by ${name}. No server says that this may be signed with this key; whoever approves answers for it alone.`
}

function resourceText(resource: Readonly<Record<string, string>>): string {
  const text = Object.entries(resource)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
  return text === '' ? 'it' : text
}
