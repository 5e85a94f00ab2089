import { sha256Hex } from '../../../shared/ids.ts'
import type { AuditEntryBody } from '../format/entry.ts'

const pair = (byte: string) => sha256Hex.parse(byte.repeat(32))
const operator = 'Zoë'
const ceremony = { ceremonyId: '2b1c3a52-1a54-4c0e-8b0c-1f2f7f2f3c22', recordSha256: pair('1c'), operator }

/** One of each event of a ceremony. */
export function ceremonyEntries(): readonly AuditEntryBody[] {
  return [
    {
      event: 'ceremony-begun',
      ...ceremony,
      title: 'New Secure Boot key',
      scriptSha256: pair('1a'),
      planSha256: pair('1b'),
    },
    { event: 'ceremony-step-begun', ...ceremony, step: 'backup', kind: 'wrap-backup', attempt: 1 },
    {
      event: 'ceremony-act-intended',
      ...ceremony,
      step: 'backup',
      act: 'export-wrapped',
      deviceSerial: '07550140',
      object: 'key 0123 under wrap key 0200',
    },
    {
      event: 'ceremony-step-failed',
      ...ceremony,
      step: 'backup',
      code: 'hsm-refused',
      message: 'The YubiHSM refused.',
    },
    { event: 'ceremony-step-ended', ...ceremony, step: 'backup' },
    {
      event: 'ceremony-deviation',
      ...ceremony,
      step: 'bag',
      effect: 'skipped',
      by: 'Witness',
      reason: 'The device came without a bag.',
    },
    {
      event: 'ceremony-ended',
      ceremonyId: ceremony.ceremonyId,
      outcome: 'completed',
      deviations: 1,
      transcriptSha256: pair('1d'),
      operator,
    },
  ]
}
