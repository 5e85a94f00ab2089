import type { RequestRow } from '../../../../db/tables/request.table.ts'
import { byHandOrigin } from '../../../shared/by-hand-origin.ts'
import type { Failure } from '../../../shared/failure.ts'
import { artifactId, requestId, type Sha256Hex } from '../../../shared/ids.ts'
import { err, type Result } from '../../../shared/result.ts'
import { sheetArtifacts } from '../../review/build-sheet.ts'
import type { DeskPorts } from '../desk-ports.ts'
import { makeSheet } from '../make-sheet.ts'
import { artifactsOfTask } from '../sheet-of-task.ts'
import { handOriginOf } from './hand.repository.ts'
import { handModes } from './hand-modes.ts'
import { asDetached, inspectOpened } from './inspect-opened.ts'

/** Inspects and checks the copies of what was opened, and makes the sheet: the same parsers, the same checks, no server. */
export async function prepareByHand(
  ports: DeskPorts,
  row: RequestRow,
  signal: AbortSignal,
): Promise<Result<{ readonly digest: Sha256Hex }, Failure>> {
  const id = requestId.parse(row.id)
  const origin = await handOriginOf(ports.db, id)
  const { purpose } = handModes[origin.signAs]
  const stored = await ports.db
    .selectFrom('request_file')
    .selectAll()
    .where('request_id', '=', row.id)
    .orderBy('ordinal')
    .execute()
  for (const { ordinal, size, sha256 } of stored) {
    const found = await ports.spool.compare(id, ordinal, { size, sha256 })
    // The digests were fixed when it was opened: the copy is the only one that can be signed, and the original is not asked again.
    if (found === 'changed') return err(copyChanged)
    if (found === 'unreadable') return err(copyGone)
  }
  const inspected = await inspectOpened(ports, row, id, origin, stored, signal)
  if (!inspected.ok) return inspected
  const { plan, files } = inspected.value
  const plain = sheetArtifacts(
    [
      {
        artifactId: artifactId.parse(1),
        category: byHandOrigin,
        binaryPackageName: null,
        trustedCerts: null,
        permission: { kind: 'by-hand', openedBy: origin.openedBy },
        files,
      },
    ],
    ports.settings().trustedCerts,
    purpose,
  )
  const artifacts =
    origin.signAs === 'openpgp-detached' ? plain.map(asDetached) : await artifactsOfTask(ports, plan, row, id, plain)
  return makeSheet(ports, {
    id,
    server: row.server,
    request: null,
    byHand: origin,
    plan,
    artifacts,
    further: [],
    held: () => ({ kind: 'by-hand', openedBy: origin.openedBy }),
    requestedBy: origin.openedBy,
  })
}

const copyChanged: Failure = {
  kind: 'refused',
  code: 'spool-changed',
  message:
    'The copy of an opened file was changed on this machine. Nothing was signed. Find out who can write to the spool, decline, and open the file again.',
}
const copyGone: Failure = {
  kind: 'unavailable',
  code: 'spool-gone',
  message: 'The copy of an opened file cannot be read any more. Nothing was signed. Decline, and open the file again.',
}
