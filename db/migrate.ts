import type BetterSqlite3 from 'better-sqlite3'
import type { Migration } from './migration.ts'
import { migration as auditAndSettings } from './migrations/0010-audit-and-settings.ts'
import { migration as keys } from './migrations/0020-keys.ts'
import { migration as requests } from './migrations/0030-requests.ts'
import { migration as checkpoints } from './migrations/0040-checkpoints.ts'
import { migration as auditDigest } from './migrations/0045-audit-digest.ts'
import { migration as deviceLog } from './migrations/0050-device-log.ts'
import { migration as auditPurpose } from './migrations/0055-audit-purpose.ts'
import { migration as auditIndex } from './migrations/0060-audit-index.ts'
import { migration as contradictionsAndDeviceIncidents } from './migrations/0070-contradictions-and-device-incidents.ts'
import { migration as attestation } from './migrations/0090-attestation.ts'
import { migration as keyGeneration } from './migrations/0100-key-generation.ts'
import { migration as softwareKeys } from './migrations/0110-software-keys.ts'
import { migration as openPgpCertificates } from './migrations/0120-openpgp-certificates.ts'
import { migration as signedUploads } from './migrations/0130-signed-uploads.ts'
import { migration as ceremony } from './migrations/0140-ceremony.ts'
import { migration as keySightings } from './migrations/0150-key-sightings.ts'
import { migration as confirmations } from './migrations/0160-confirmations.ts'
import { migration as byHand } from './migrations/0170-by-hand.ts'
import { migration as standingApprovals } from './migrations/0180-standing-approvals.ts'
import { migration as furtherSignatures } from './migrations/0190-further-signatures.ts'
import { migration as openPgpPrimary } from './migrations/0200-openpgp-primary.ts'
import { migration as signatureIntents } from './migrations/0210-signature-intents.ts'

/** All steps, ascending. The last version is the one that this program writes. */
export const migrations: readonly Migration[] = [
  auditAndSettings,
  keys,
  requests,
  checkpoints,
  auditDigest,
  deviceLog,
  auditPurpose,
  auditIndex,
  contradictionsAndDeviceIncidents,
  attestation,
  keyGeneration,
  softwareKeys,
  openPgpCertificates,
  signedUploads,
  ceremony,
  keySightings,
  confirmations,
  byHand,
  standingApprovals,
  furtherSignatures,
  openPgpPrimary,
  signatureIntents,
]

export function assertMonotonic(list: readonly Migration[]): void {
  let last = 0
  for (const { version } of list) {
    if (!Number.isSafeInteger(version) || version <= last)
      throw new Error(`migration ${version} does not come after ${last}`)
    last = version
  }
}

export function newestVersion(list: readonly Migration[] = migrations): number {
  return list.at(-1)?.version ?? 0
}

export function fileVersion(file: BetterSqlite3.Database): number {
  return Number(file.pragma('user_version', { simple: true }))
}

/**
 * Brings a file up to `upTo` in one transaction: a step that fails leaves the file as it was, with its old version. The
 * caller has refused newer files before.
 */
export function migrate(
  file: BetterSqlite3.Database,
  list: readonly Migration[] = migrations,
  upTo: number = newestVersion(list),
): void {
  assertMonotonic(list)
  file
    .transaction(() => {
      // Read inside the transaction: another process may have migrated while this one waited for the lock.
      const from = fileVersion(file)
      for (const step of list) {
        if (step.version <= from || step.version > upTo) continue
        step.update(file)
        file.pragma(`user_version = ${step.version}`)
      }
    })
    .immediate()
}
