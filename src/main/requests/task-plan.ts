import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import type { ArtifactId, Fingerprint } from '../../shared/ids.ts'
import { type Purpose, purpose } from '../../shared/purpose.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { SigningTask } from '../../shared/review-sheet.ts'
import { documentKindOf } from '../debian/upload-document.ts'
import type { WorkRequest } from '../debusine/server.ts'
import { signTaskOf } from '../debusine/task-data.ts'
import { debsignTaskOf, debusineFieldsOf, type IndexTask, indexTaskOf } from '../debusine/upload-task.ts'
import type { InspectedAs } from '../inspector/protocol.ts'
import type { DebusineFields } from '../signing/debsign/debusine-fields.ts'
import { externalDebsignTask } from './waiting/external-debsign.ts'

/** What a request asks of this station, whichever task it is. */
export interface TaskPlan {
  readonly task: SigningTask
  readonly purpose: Purpose
  readonly fingerprint: Fingerprint
  /** Keys after the first that sign the same file; of an index alone. */
  readonly further: readonly Fingerprint[]
  /** Input artifacts in the order in which outputs are made. */
  readonly unsignedIds: readonly ArtifactId[]
  /** What each of them has to be. */
  readonly category: string
  /** Written into the `.changes` of an upload. Null: nothing, or no upload. */
  readonly fields: DebusineFields | null
  /** Null: no repository index. */
  readonly index: Pick<IndexTask, 'suite' | 'mode' | 'signedName'> | null
}

/** What a Sign task can ask for; keys for repository indexes sign nothing but those, and the server refuses it as well. */
const signPurpose = purpose.exclude(['openpgp-repository'])

/** By the task's name, not by what its data look like: another task may have a purpose and a key, and mean something else by them. */
export function planOf(request: WorkRequest, row: Pick<RequestRow, 'raw' | 'server'>): Result<TaskPlan, Failure> {
  switch (request.taskName) {
    case 'sign':
      return planOfSign(request)
    // The key was chosen by the person who took it, and is kept where a Debsign names its own.
    case externalDebsignTask:
    case 'debsign': {
      const task = debsignTaskOf(request)
      if (!task.ok) return task
      return ok({
        task: 'debsign',
        purpose: 'openpgp',
        fingerprint: task.value.fingerprint,
        further: [],
        unsignedIds: [task.value.unsignedId],
        category: 'debian:upload',
        // They say which worker's task signed it: none did.
        fields: request.taskName === 'debsign' ? debusineFieldsOf(row.raw, row.server) : null,
        index: null,
      })
    }
    case 'signrepositoryindex': {
      const task = indexTaskOf(request)
      if (!task.ok) return task
      const [key, ...further] = task.value.fingerprints
      return ok({
        task: 'signrepositoryindex',
        purpose: 'openpgp-repository',
        fingerprint: key,
        further,
        unsignedIds: [task.value.unsignedId],
        category: 'debian:repository-index',
        fields: null,
        index: task.value,
      })
    }
    default:
      return err(otherTask(request.taskName))
  }
}

function planOfSign(request: WorkRequest): Result<TaskPlan, Failure> {
  const task = signTaskOf(request)
  if (!task.ok) return task
  const asked = signPurpose.safeParse(task.value.purpose)
  if (!asked.success) {
    return err({
      kind: 'refused',
      code: 'purpose-unsupported',
      message: `This station does not sign for the purpose “${task.value.purpose}”. Nothing was fetched. Decline the request, so that it is not waited for.`,
    })
  }
  const { fingerprint, unsignedIds } = task.value
  return ok({
    task: 'sign',
    purpose: asked.data,
    fingerprint,
    further: [],
    unsignedIds,
    category: 'debusine:signing-input',
    fields: null,
    index: null,
  })
}

/** As what the inspector looks at a file of the task. Null: it is hashed and not looked into. */
export function inspectedAsOf(plan: TaskPlan, path: string): InspectedAs | null {
  switch (plan.task) {
    case 'sign':
      return plan.purpose === 'uefi' ? 'image' : 'text'
    case 'debsign':
      return documentKindOf(path)
    case 'signrepositoryindex':
      return 'release'
  }
}

function otherTask(name: string): Failure {
  return {
    kind: 'refused',
    code: 'task-unsupported',
    message: `This station does not do the task “${name}”. Nothing was fetched. Decline the request, so that it is not waited for.`,
  }
}
