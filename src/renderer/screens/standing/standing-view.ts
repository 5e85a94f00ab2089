import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import type { StandingApproval } from '../../../shared/standing.ts'
import { utc } from '../../parts/format.ts'

/** The suite of a scope, as a person knows it. A scope that is not ours is shown as it is. */
export function scopeWords(scope: string): string {
  try {
    const parts: unknown = JSON.parse(scope)
    if (!Array.isArray(parts)) return scope
    const [server, name, workspace, suite] = parts.map(String)
    return `${suite ?? scope} in ${name ?? ''}/${workspace ?? ''} at ${server ?? ''}`
  } catch {
    return scope
  }
}

export function standingSentence(standing: StandingApproval): string {
  const unseen = standing.lockSeen ? '' : ' The lock of this screen is not seen.'
  return `${standing.operator} approved ${scopeWords(standing.scope)} with key ${standing.keyDescription}: ${standing.used} of ${standing.uses} used, until ${utc(standing.endsAt)}.${unseen}`
}

/** Whether main could take this sheet for the beginning of a standing approval; it decides itself. */
export function mayStand(sheet: ReviewSheet): boolean {
  return (
    sheet.workRequest?.task === 'signrepositoryindex' &&
    // It holds one key's session.
    sheet.furtherKeys === undefined &&
    sheet.key.registered?.home.kind === 'token' &&
    sheet.checks.every(({ outcome }) => outcome === 'passed' || outcome === 'not-applicable')
  )
}
