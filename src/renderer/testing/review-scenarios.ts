import type { Fingerprint } from '../../shared/ids.ts'
import type { FakeState } from './fake-station.ts'
import {
  hexOf,
  sampleArtifact,
  sampleDetail,
  sampleFile,
  sampleMechanisms,
  sampleObject,
  samplePe,
  sampleSheet,
  sampleTokenSummary,
  sampleWorkRequest,
} from './sample-data.ts'
import { hostileName, manyFiles, reviewing, rich, softwareSheet } from './sample-sheets.ts'
import { base, withRequest } from './sample-station.ts'

function waitingForKey(state: FakeState): FakeState {
  const waiting = [...state.requests].map(
    ([id, detail]) => [id, { ...detail, summary: { ...detail.summary, waitsForKey: true } }] as const,
  )
  return { ...state, requests: new Map(waiting) }
}

/** Requests up for review, one for each thing that a check can find. */
export const reviewScenarios = {
  fine: () => reviewing({}),
  rich: () => withRequest(sampleDetail(rich(), { title: 'shim-unsigned' })),
  'untrusted-certificate': () =>
    reviewing(
      {
        'trusted-certs': [
          'refused',
          '1 of 2 declared certificates is not on this station’s list.',
          [
            {
              subject: 'artifact 8812',
              found: `${hexOf('evil').slice(0, 16)}… is not on the list`,
              outcome: 'refused',
              source: 'station',
            },
          ],
        ],
      },
      {
        artifacts: [
          sampleArtifact([sampleFile(0)], {
            trustedCerts: {
              kind: 'declared',
              certificates: [
                { fingerprint: hexOf('ca'), trusted: true },
                { fingerprint: hexOf('evil'), trusted: false },
              ],
            },
          }),
        ],
      },
    ),
  'certificates-not-declared': () =>
    reviewing(
      { 'trusted-certs': ['attention', 'The artifact does not say which certificates its files will trust.', []] },
      { artifacts: [sampleArtifact([sampleFile(0)], { trustedCerts: { kind: 'not-declared' } })] },
    ),
  'certificates-none': () =>
    reviewing({}, { artifacts: [sampleArtifact([sampleFile(0)], { trustedCerts: { kind: 'declared-empty' } })] }),
  'no-permission': () =>
    reviewing(
      {
        permission: [
          'refused',
          'The server does not allow kernel-uploader to use this key in this workspace.',
          [
            {
              subject: 'artifact 8812',
              found: 'not allowed for user 42 (kernel-uploader)',
              outcome: 'refused',
              source: 'server',
            },
          ],
        ],
      },
      {
        artifacts: [
          sampleArtifact([sampleFile(0)], {
            permission: { kind: 'answered', allowed: false, username: 'kernel-uploader', userId: 42, resource: {} },
          }),
        ],
      },
    ),
  'permission-unknown': () =>
    reviewing(
      {
        permission: [
          'unknown',
          'The server did not answer the permission question.',
          [{ subject: 'artifact 8812', found: 'time-out after 30 s', outcome: 'unknown', source: 'server' }],
        ],
      },
      {
        artifacts: [
          sampleArtifact([sampleFile(0)], { permission: { kind: 'not-answered', reason: 'time-out after 30 s' } }),
        ],
      },
    ),
  'unknown-key': () =>
    reviewing(
      {
        'key-registered': ['refused', 'No key with this fingerprint is registered here.', []],
        'key-active': ['not-applicable', 'No key.', []],
        'token-present': ['not-applicable', 'No key.', []],
        'certificate-valid': ['not-applicable', 'No key.', []],
      },
      { key: { fingerprint: hexOf('nobody').toUpperCase() as Fingerprint, registered: null } },
    ),
  'token-absent': () => ({
    ...waitingForKey(
      reviewing({ 'token-present': ['unknown', 'The token with this key (serial 18204417) is not here.', []] }),
    ),
    tokens: [],
    status: { ...base().status, tokens: [] },
  }),
  malformed: () =>
    reviewing(
      {
        'layout-safe': [
          'refused',
          '1 file has a layout for which no signature is made.',
          [
            {
              subject: 'boot/grubx64.efi',
              found: 'section .data overlaps section .text',
              outcome: 'refused',
              source: 'file',
            },
          ],
        ],
        'file-explained': [
          'attention',
          '1 file cannot be explained: it would be signed blindly.',
          [{ subject: 'firmware.bin', found: 'not a PE file', outcome: 'attention', source: 'file' }],
        ],
      },
      {
        artifacts: [
          sampleArtifact([
            sampleFile(0, {
              path: 'boot/grubx64.efi',
              facts: samplePe({
                role: 'grub',
                kernelVersion: null,
                authenticodeSha256: null,
                layoutFaults: [
                  { code: 'sections-overlap', message: 'Section .data overlaps section .text by 4096 bytes.' },
                ],
                sbat: null,
                sbatProblem: 'The .sbat section is no CSV: row 3 has 4 fields instead of 6.',
              }),
              toBeSigned: null,
            }),
            sampleFile(1, {
              path: 'firmware.bin',
              facts: { kind: 'opaque', reason: 'it does not begin with MZ.', firstBytesHex: '7f454c4602010100' },
            }),
          ]),
        ],
      },
    ),
  blind: () =>
    reviewing(
      {
        'file-explained': [
          'attention',
          '1 file cannot be explained: it would be signed blindly.',
          [{ subject: 'firmware.bin', found: 'not a PE file', outcome: 'attention', source: 'file' }],
        ],
      },
      {
        artifacts: [
          sampleArtifact([
            sampleFile(0, {
              path: 'firmware.bin',
              facts: { kind: 'opaque', reason: 'it does not begin with MZ.', firstBytesHex: '7f454c4602010100' },
            }),
          ]),
        ],
      },
    ),
  'forty-files': () => reviewing({}, { artifacts: manyFiles(40) }),
  'two-hundred-files': () =>
    reviewing(
      { 'signed-before': ['attention', 'This key signed 6 of these files before.', []] },
      { artifacts: manyFiles(200) },
    ),
  hostile: () => {
    const sheet = sampleSheet({
      artifacts: [
        sampleArtifact(
          [
            sampleFile(0, {
              path: hostileName,
              facts: samplePe({
                kernelVersion: '6.12\u202E99',
                texts: [
                  {
                    section: '.cmdline',
                    text: 'quiet\u001B[2J\u2066 <script>alert(1)</script>\r\ninit=/bin/sh',
                    cut: true,
                  },
                ],
              }),
            }),
          ],
          {
            binaryPackageName: '<b>linux</b>\u200Bimage',
            permission: { kind: 'answered', allowed: true, username: 'admin\u202Enimda', userId: 7, resource: {} },
          },
        ),
      ],
      workRequest: { ...sampleWorkRequest, workspace: 'sid\u202Ednuorgkrow <script>', retryCount: 2 },
    })
    return withRequest(
      sampleDetail(sheet, { title: hostileName, requestedBy: 'admin\u202Enimda', workspace: 'sid\u202Ednuorg' }),
    )
  },
  'test-key': () => withRequest(sampleDetail(softwareSheet())),
  'last-try': () => ({
    ...reviewing({}),
    tokens: [
      {
        token: sampleTokenSummary({ pinState: 'final-try' }),
        objects: [sampleObject()],
        mechanisms: sampleMechanisms,
        problem: null,
      },
    ],
  }),
} satisfies Record<string, () => FakeState>
