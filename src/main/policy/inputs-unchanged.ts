import type { Check } from '../../shared/check.ts'
import { type Evidence, fromEvidence, nameOfFile } from './evidence.ts'
import type { PolicyInput } from './policy-input.ts'

/** Invariant I2: the digests were fixed at fetch; the spool is read again each time a sheet is made. */
export function checkInputsUnchanged({ artifacts, spool }: PolicyInput): Check {
  const byHand = artifacts.some(({ permission }) => permission.kind === 'by-hand')
  const evidence = artifacts
    .flatMap((artifact) => artifact.files)
    .map((file): Evidence => {
      const base = { subject: nameOfFile(file), source: 'station' } as const
      switch (spool.get(file.ordinal)) {
        case 'same':
          return {
            ...base,
            found: byHand
              ? `SHA-256 ${file.sha256}, as it was when it was opened`
              : `SHA-256 ${file.sha256}, as the server said and as it was fetched`,
            outcome: 'passed',
          }
        case 'changed':
          return { ...base, found: 'the copy in the spool differs from what was fetched', outcome: 'refused' }
        case 'unreadable':
        case undefined:
          return { ...base, found: 'the copy in the spool cannot be read', outcome: 'unknown' }
      }
    })
  return fromEvidence('inputs-unchanged', evidence, {
    passed: byHand
      ? 'Every file is, byte for byte, what was opened.'
      : 'Every file is, byte for byte, what the server offered.',
    refused: 'A file has changed on this machine since it was fetched. Somebody or something wrote into the spool.',
    unknown: 'A fetched file cannot be read back.',
    attention: '',
    'not-applicable': 'The request has no files.',
  })
}
