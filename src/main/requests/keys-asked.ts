import type { RequestRow } from '../../../db/tables/request.table.ts'
import { type Fingerprint, fingerprint } from '../../shared/ids.ts'
import { workRequestOf } from '../debusine/task-data.ts'
import { indexTaskOf } from '../debusine/upload-task.ts'
import type { KeyRegistry } from '../keys/key-registry.ts'

/** Fingerprints of all keys that a request names, in its order. Empty: it names none that this station could know. */
export function keysAsked(row: Pick<RequestRow, 'raw' | 'task_name' | 'fingerprint'>): readonly Fingerprint[] {
  const request = row.task_name === 'signrepositoryindex' ? workRequestOf(row.raw) : null
  const index = request?.ok === true ? indexTaskOf(request.value) : null
  if (index?.ok === true) return index.value.fingerprints
  const only = fingerprint.safeParse(row.fingerprint)
  return only.success ? [only.data] : []
}

/** Whether each of them can be used now: with one missing there is still nothing to review. */
export async function allUsable(
  keys: Pick<KeyRegistry, 'find'>,
  row: Pick<RequestRow, 'raw' | 'task_name' | 'fingerprint' | 'purpose'>,
): Promise<boolean> {
  const asked = keysAsked(row)
  for (const print of asked) if ((await keys.find(row.purpose ?? '', print))?.usableNow !== true) return false
  return asked.length > 0
}
