import type { FakeState } from './fake-station.ts'
import { minutesAgo, sampleDetail, sampleSheet } from './sample-data.ts'
import { outcomes, reviewing, staged } from './sample-sheets.ts'
import { withRequest } from './sample-station.ts'

/** One request at each stage of its life. */
export const stageScenarios = {
  preparing: () =>
    withRequest(
      sampleDetail(
        sampleSheet(),
        { stage: 'preparing', worstCheck: null },
        { sheet: null, sheetDigest: null, approvability: null, files: [] },
      ),
    ),
  unprepared: () =>
    withRequest(
      sampleDetail(
        sampleSheet(),
        { stage: 'unprepared', worstCheck: null },
        {
          sheet: null,
          sheetDigest: null,
          approvability: null,
          files: [],
          failure: {
            kind: 'invalid',
            code: 'digest-mismatch',
            message:
              'The server sent other bytes than it had announced for boot/vmlinuz-6.12.57. The file was thrown away. Nothing was signed; try again, or decline.',
          },
        },
      ),
    ),
  signing: () => staged('signing', { files: outcomes('signed', 'begun') }, { signedCount: 1 }),
  'signing-runs': () => ({ ...reviewing({}), signingPace: 150 }),
  interrupted: () => staged('interrupted', { files: outcomes('signed') }, { signedCount: 1 }),
  incident: () =>
    staged(
      'incident',
      {
        files: outcomes('signed', 'unknown'),
        failure: {
          kind: 'unavailable',
          code: 'token-removed',
          message: 'The token was removed while it was signing the second file.',
        },
      },
      { signedCount: 1 },
    ),
  returning: () =>
    staged(
      'returning',
      {
        files: outcomes('signed', 'signed', 'signed'),
        failure: {
          kind: 'unavailable',
          code: 'server-unreachable',
          message:
            'The server does not answer. The signed files are kept; the station tries again by itself every few minutes.',
        },
      },
      { signedCount: 3 },
    ),
  'token-died': () =>
    staged(
      'returning',
      {
        files: outcomes('signed', 'signed', 'signed'),
        failure: {
          kind: 'unavailable',
          code: 'work-token-ended',
          message:
            'The server’s token for this request has ended, 7 days after the request was fetched: the server answers nothing about it any more. What was fetched, decided and signed is kept. Renew the request to go on.',
        },
        held: { since: minutesAgo(8 * 1440), tokenEndsAt: minutesAgo(1440), renewalsLeft: 2 },
      },
      { signedCount: 3 },
    ),
  'token-ends': () =>
    withRequest(
      sampleDetail(
        sampleSheet(),
        {},
        { held: { since: minutesAgo(6 * 1440), tokenEndsAt: minutesAgo(-5 * 60), renewalsLeft: 1 } },
      ),
    ),
  signed: () =>
    staged('done', { files: outcomes('signed', 'signed', 'signed') }, { outcome: 'signed', signedCount: 3 }),
  'partly-signed': () =>
    staged('done', { files: outcomes('signed', 'failed', 'waiting') }, { outcome: 'partly-signed', signedCount: 1 }),
  declined: () =>
    staged(
      'done',
      {
        decision: {
          kind: 'declined',
          operator: 'Release Manager',
          at: minutesAgo(1),
          reason: 'The changelog does not name the bug that this fixes.',
        },
      },
      { outcome: 'declined' },
    ),
  'not-recorded': () => ({
    ...reviewing({}),
    failures: new Map([
      [
        'reviewOpen',
        {
          kind: 'unavailable',
          code: 'audit-unwritable',
          message: 'The audit log cannot be written. Nothing can be approved until it can.',
        },
      ],
    ]),
  }),
} satisfies Record<string, () => FakeState>
