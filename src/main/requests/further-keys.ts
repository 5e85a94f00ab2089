import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { SheetArtifact } from '../../shared/review-sheet.ts'
import type { DebusineServer, HeldReference } from '../debusine/server.ts'
import { attestationForSheet } from '../keys/attestation/sheet-attestation.ts'
import type { KeyRegistry } from '../keys/key-registry.ts'
import type { FurtherKeyInput } from '../policy/policy-input.ts'
import type { SheetParts } from '../review/build-sheet.ts'
import { signedBefore } from './signed-before.ts'
import type { TaskPlan } from './task-plan.ts'

interface Ports {
  readonly db: Kysely<Database>
  readonly server: DebusineServer
  readonly keys: KeyRegistry
}

/** What there is to know of each key after the first: the server is asked about every one of them. */
export async function furtherKeysAsked(
  { db, server, keys }: Ports,
  of: {
    readonly id: RequestId
    readonly held: HeldReference
    readonly task: TaskPlan
    readonly artifacts: readonly SheetArtifact[]
  },
): Promise<readonly FurtherKeyInput[]> {
  const { id, held, task, artifacts } = of
  const [artifact] = artifacts
  const file = artifact?.files.find(({ disposition }) => disposition === 'sign')
  if (artifact === undefined) return []
  const found: FurtherKeyInput[] = []
  for (const fingerprint of task.further) {
    const asked = { purpose: task.purpose, fingerprint }
    const permission = await server.signPermission(held, asked, artifact.artifactId)
    const key = await keys.find(task.purpose, fingerprint)
    found.push({
      fingerprint,
      key,
      registeredFor: key === null ? await keys.purposesOf(fingerprint) : [],
      token: key === null ? { kind: 'usable' } : await keys.usability(key),
      permission: permission.ok ? permission.value : { kind: 'not-answered', reason: permission.error.message },
      signedBefore: file === undefined ? [] : await signedBefore(db, id, file.sha256, asked),
    })
  }
  return found
}

export async function furtherKeysOfSheet(
  db: Kysely<Database>,
  further: readonly FurtherKeyInput[],
): Promise<NonNullable<SheetParts['further']>> {
  return Promise.all(
    further.map(async (input) => ({
      ...input,
      attestation: input.key === null ? null : await attestationForSheet(db, input.key),
    })),
  )
}
