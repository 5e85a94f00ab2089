import type {
  AuditRow,
  FoundLog,
  LogComparison,
  OpenContradiction,
  OpenDeviceIncident,
  OpenedLog,
  VerificationReport,
} from '../../shared/audit.ts'
import type { Answer } from '../../shared/contract.ts'
import { auditSeq } from '../../shared/ids.ts'
import { hexOf, minutesAgo } from './sample-data.ts'

/** What a fake station knows of its log's proofs and of the logs of others. */
export type FakeLog = {
  report: VerificationReport
  /** Progress that is told before a verification ends; null: it does not end by itself. */
  steps: number | null
  last: Answer<'audit.last-checkpoint'>
  /** What opens, by its path. */
  others: Map<string, { readonly log: OpenedLog; readonly rows: readonly AuditRow[] }>
  opened: string | null
  found: readonly FoundLog[]
  comparison: LogComparison
}

export const origin = 'signing1.example.org/signing-log/0f1e2d3c4b5a6978'
export const vkey = `${origin}+69d6575e+AY632VItW5OprDifVdjtScfHZpXv0HGBxMmBOZ9KqQ+e`
export const witness = 'witness.example.com/w1+9ef720b7+BK8fe14HAi43qhBpY4+FgJ3QfM2vhsq/aIc57EtHYihv'

export function checkpointNote(size: number): string {
  return `${origin}\n${size}\n5vPitskZKS6j/e2IIMTIb10TarDOMWk288QzZJcpBfI=\n\n— ${origin} adZXXtEk5bVCBJGXkt1AqBqfiBsZmxBCuHmNOZDQvCTrI+ikp3ucPv0SvzM9hTtbHDjeM1WMGhVNX1D9v9D0ah/qGQk=\n`
}

export const deviceIncident: OpenDeviceIncident = {
  seq: auditSeq.parse(1_203),
  at: minutesAgo(90),
  deviceSerial: '07550140',
  code: 'use-not-ours',
  sentence:
    'The device signed once more with key 0x0064 than this log tells of: entry 3 of the device’s log (place 3 of what is stored). Somebody used the key without this station, or entries of this log are missing. Find out who had the device and its authentication keys.',
}

export const contradiction: OpenContradiction = {
  id: hexOf('contradiction'),
  foundAt: minutesAgo(42),
  path: '/media/audit/checkpoints/signing-station-69d6575e.checkpoint',
  size: 1_310,
  logSize: 1_284,
  note: checkpointNote(1_310),
  isContained: false,
  sentence:
    'The checkpoint of 1310 entries, found in /media/audit/checkpoints/signing-station-69d6575e.checkpoint, is for more entries than this log then had signed: an older copy of the profile was put back, or a second copy of it worked elsewhere. The log that is here now does not contain it.',
}

export function proofText(seq: number): string {
  return `c2sp.org/tlog-proof@v1\nextra eyJhdCI6IjIwMjYtMDEtMDJUMDM6MDQ6MDcuNjc4WiIsImRpZ2VzdCI6ImIyYjIifQ==\nindex ${seq - 1}\nDPFAaPxZ36g6KL4ZwC6ibnjE/k00HniNnZE5sED1yHM=\n4S1WRW1jk9DiALig+xtC1ld5Riqc7qegVedAtzUnpZg=\n\n${checkpointNote(1_284)}`
}

export function sampleFacts(size: number): NonNullable<VerificationReport['facts']> {
  return {
    origin,
    size,
    read: size,
    omitted: 0,
    checkpoints: 214,
    lastCheckpoint: { size, rootHash: hexOf('root') },
    known: [1_278, size],
    cosigned: [],
    openIntents: { count: 0, first: [] },
  }
}

export const verified: VerificationReport = {
  verdict: 'verified',
  sentence:
    'Every entry is the one that was signed for, up to entry 1284; the checkpoint that was kept elsewhere is its beginning.',
  findings: [],
  doubts: [],
  facts: sampleFacts(1_284),
  keyFrom: 'station',
  at: minutesAgo(0),
}

export const cannotTell: VerificationReport = {
  verdict: 'cannot-tell',
  sentence: 'Nothing wrong was found, but it cannot be told whether this is the whole log.',
  findings: [],
  doubts: [
    {
      code: 'key-not-known',
      sentence:
        'The key that the checkpoints are checked with came from the log itself: whoever wrote the log anew could have put his own there. Compare it with the verifier key that the station showed, and give it.',
    },
    {
      code: 'no-known-checkpoint',
      sentence:
        'Without an earlier checkpoint that was kept elsewhere it cannot be excluded that entries are missing at the end, or that an older copy of the log is shown.',
    },
  ],
  facts: {
    ...sampleFacts(402),
    origin: 'signing2.example.org/signing-log/77aa12bb90ccdd01',
    known: [],
    checkpoints: 61,
  },
  keyFrom: 'log',
  at: minutesAgo(0),
}

export function tampered(seq: number): VerificationReport {
  return {
    ...cannotTell,
    verdict: 'tampered',
    sentence: 'The log was tampered with.',
    findings: [
      {
        code: 'entry-changed',
        first: seq,
        last: seq,
        sentence: `Entry ${seq} was changed: its bytes do not have the hash that entry ${seq + 1} names.`,
      },
    ],
    doubts: [],
    facts: {
      ...sampleFacts(seq),
      origin: 'signing2.example.org/signing-log/77aa12bb90ccdd01',
      known: [],
      checkpoints: 40,
    },
  }
}

export function otherLog(path: string, report: VerificationReport, entries: number): OpenedLog {
  return {
    kind: path.endsWith('.db') ? 'database' : 'export',
    path,
    origin: 'signing2.example.org/signing-log/77aa12bb90ccdd01',
    entries,
    selection: null,
    report,
  }
}

export const exportPath = '/media/audit/signing2-log-2026-11-19.jsonl'

export const foundLogs: readonly FoundLog[] = [
  { kind: 'export', name: 'signing2-log-2026-11-19.jsonl', path: exportPath, bytes: 412_002, at: minutesAgo(1_400) },
  {
    kind: 'export',
    name: 'signing-log-2026-11-12.jsonl',
    path: '/home/operator/.local/share/signing-station/exports/signing-log-2026-11-12.jsonl',
    bytes: 1_204_331,
    at: minutesAgo(11_500),
  },
  {
    kind: 'database',
    name: 'station.db',
    path: '/media/audit/old/station.db',
    bytes: 8_112_128,
    at: minutesAgo(90_000),
  },
]

export function sampleLog(): FakeLog {
  return {
    report: verified,
    steps: 3,
    last: { size: 1_284, at: minutesAgo(7), note: checkpointNote(1_284) },
    others: new Map(),
    opened: null,
    found: foundLogs,
    comparison: {
      verdict: 'verified',
      sentence: 'The newer log begins with the 1102 entries of the older one, unchanged.',
      origin,
      olderSize: 1_102,
      newerSize: 1_284,
      checkedBy: 'tree',
    },
  }
}
