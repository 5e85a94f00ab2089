import { type ReviewSheet, taskOf } from '../../../shared/review-sheet.ts'

/** UTF-16 units: the log's (docs/formats/audit-entry.md). */
const longest = 1000

/**
 * What a standing approval could be for, of all that a sheet is about. Null: nothing of this kind is approved ahead. Closed: a repository index
 * alone comes often enough, and says itself what it is. By hand nobody can be absent.
 */
export function scopeOfSheet(sheet: ReviewSheet): string | null {
  if (sheet.workRequest === null || taskOf(sheet) !== 'signrepositoryindex') return null
  const [artifact, ...more] = sheet.artifacts
  const [file, ...others] = artifact?.files ?? []
  if (artifact?.repositoryIndex === undefined || more.length > 0 || others.length > 0) return null
  // What the server calls the suite is what the approval is for; a file that says that it is of another is not covered by it.
  if (file?.facts.kind !== 'release') return null
  const { server, scope, workspace } = sheet.workRequest
  const { suite, codename } = file.facts
  const words = JSON.stringify([server, scope, workspace, artifact.repositoryIndex.suite, suite, codename])
  // What the log could not name is for a person.
  return words.length <= longest ? words.toWellFormed() : null
}
