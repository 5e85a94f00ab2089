import { writeFile } from 'node:fs/promises'
import type { RequestFileRow, RequestRow } from '../../../../db/tables/request.table.ts'
import type { HandOrigin } from '../../../shared/by-hand.ts'
import type { Failure } from '../../../shared/failure.ts'
import { artifactId, fingerprint, type RequestId, sha256Hex } from '../../../shared/ids.ts'
import type { InputFacts } from '../../../shared/input-facts.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { type SheetArtifact, taskOf } from '../../../shared/review-sheet.ts'
import type { InspectedFile } from '../../review/build-sheet.ts'
import type { DeskPorts } from '../desk-ports.ts'
import { lastRelease } from '../last-signed.ts'
import { payloadFacts } from '../payload-facts.ts'
import { signedBefore } from '../signed-before.ts'
import { inspectedAsOf, type TaskPlan } from '../task-plan.ts'
import { handModes } from './hand-modes.ts'

/** Facts of the copies, and what the request would ask if it came from a server. */
export async function inspectOpened(
  ports: DeskPorts,
  row: RequestRow,
  id: RequestId,
  origin: HandOrigin,
  stored: readonly RequestFileRow[],
  signal: AbortSignal,
): Promise<Result<{ readonly plan: TaskPlan; readonly files: readonly InspectedFile[] }, Failure>> {
  const print = fingerprint.parse(row.fingerprint)
  const { purpose } = handModes[origin.signAs]
  const task = taskOf({ workRequest: null, byHand: origin })
  const asked = { task, purpose, fingerprint: print, unsignedIds: [artifactId.parse(1)], category: '', fields: null }
  const plain: TaskPlan = { ...asked, further: [], index: null }
  const files: InspectedFile[] = []
  let index: TaskPlan['index'] = null
  for (const { ordinal, path, size, sha256 } of stored) {
    // Nobody looks into a file that is signed as it is, nor into one that only goes along.
    const as = origin.signAs === 'openpgp-detached' ? null : inspectedAsOf(plain, path)
    const spooled = ports.spool.pathOf(id, ordinal)
    const look = async (before: string | null) =>
      as === null
        ? ok(await payloadFacts(spooled))
        : ports.inspector.inspect({ path: spooled, name: path, as, ...(before === null ? {} : { before }) }, signal)
    let facts = await look(null)
    if (task === 'signrepositoryindex') {
      index = indexOf(origin, facts.ok ? facts.value : null)
      // Only now it is known of which suite it is, hence what it has to be compared with.
      const before = await spoolLastRelease(ports, row, id, index.suite)
      if (before !== null) facts = await look(before)
    }
    if (!facts.ok && signal.aborted) return err(stopped)
    files.push({
      ordinal,
      path,
      size,
      sha256: sha256Hex.parse(sha256),
      // A parser that died is a fact about the file: it cannot be explained, and for this purpose not be signed.
      facts: facts.ok ? facts.value : { kind: 'opaque', reason: facts.error.message, firstBytesHex: '' },
      signedBefore: await signedBefore(ports.db, id, sha256, { purpose, fingerprint: print }),
    })
  }
  return ok({ plan: { ...plain, index }, files })
}

/** No server names the suite: it is the one that the file says that it is of, and its codename where it has no other name. */
function indexOf({ signAs }: HandOrigin, facts: InputFacts | null): NonNullable<TaskPlan['index']> {
  const named = facts?.kind === 'release' ? (facts.suite ?? facts.codename) : null
  const clear = signAs === 'release-clear'
  return {
    suite: named ?? 'not named',
    mode: clear ? 'clear' : 'detached',
    signedName: clear ? 'InRelease' : 'Release.gpg',
  }
}

async function spoolLastRelease(
  ports: DeskPorts,
  row: RequestRow,
  id: RequestId,
  suite: string,
): Promise<string | null> {
  const last = await lastRelease(ports.db, row, suite)
  if (last === null) return null
  const path = `${ports.spool.pathOf(id, 0)}.before`
  await writeFile(path, last.text, { mode: 0o600 })
  return path
}

/** Files of any kind: signed as they are, whatever their names, and said to be so. */
export function asDetached(artifact: SheetArtifact): SheetArtifact {
  return {
    ...artifact,
    detached: true,
    files: artifact.files.map((file) => ({
      ...file,
      disposition: 'sign',
      toBeSigned: { what: 'the file, byte for byte', algorithm: 'sha256', digest: file.sha256 },
    })),
  }
}

const stopped: Failure = {
  kind: 'unavailable',
  code: 'cancelled',
  message: 'Preparing the request was stopped. What was opened is kept.',
}
