import type { VerificationReport } from '../../shared/audit.ts'
import type { AuditSeq, Fingerprint, RequestId, WorkRequestId } from '../../shared/ids.ts'
import { begun, sampleCeremony } from './fake-ceremony.ts'
import type { FakeState } from './fake-station.ts'
import { keyScenarios } from './key-scenarios.ts'
import { reviewScenarios } from './review-scenarios.ts'
import { sampleAttestation, sampleYubihsm, sampleYubikey } from './sample-attestations.ts'
import {
  hexOf,
  minutesAgo,
  requestIdOf,
  sampleFingerprint,
  sampleKey,
  sampleMechanisms,
  sampleObject,
  sampleToken,
  sampleTokenSummary,
} from './sample-data.ts'
import { troubledDevices } from './sample-devices.ts'
import { cannotTell, contradiction, deviceIncident, exportPath, otherLog, tampered, witness } from './sample-log.ts'
import { auditRows, base, doneRequests } from './sample-station.ts'
import { severalScenarios } from './several-scenarios.ts'
import { stageScenarios } from './stage-scenarios.ts'
import { uploadScenarios } from './upload-scenarios.ts'
import { waitingScenarios } from './waiting-scenarios.ts'

/** Every state of the station that a screen has to bear, by name. */
export const scenarios = {
  ...reviewScenarios,
  ...uploadScenarios,
  ...stageScenarios,
  ...severalScenarios,
  ...keyScenarios,
  'ceremony-open': () => ({ ...base(), ceremonies: [begun(sampleCeremony(2), 'device')] }),
  'ceremony-words': () => ({ ...base(), ceremonies: [begun(sampleCeremony(3), 'script-words')] }),
  'ceremony-key': () => ({ ...base(), ceremonies: [begun(sampleCeremony(4), 'generate')] }),
  'ceremony-sealed': () => ({
    ...base(),
    ceremonies: [
      sampleCeremony(7, {
        state: 'completed',
        endedAt: minutesAgo(1),
        transcriptSha256: hexOf('transcript'),
        sealedSeq: 1290 as AuditSeq,
      }),
    ],
  }),
  ...waitingScenarios,
  absent: () => ({
    ...base(),
    status: { ...base().status, station: 'absent', inHand: 0, logKey: null, checkpoint: null },
  }),
  new: () => ({
    ...base(),
    usb: { watch: 'events', devices: [] },
    status: {
      ...base().status,
      server: { kind: 'not-configured' },
      onDuty: false,
      offered: [],
      userTokenSet: false,
      tokens: [],
      inHand: 0,
      log: { kind: 'whole', entries: 1, head: hexOf('head') },
    },
    settings: { ...base().settings, server: { apiUrl: null, caPem: null, scope: null }, modules: [], trustedCerts: [] },
    moreRequests: [],
    tokens: [],
    modules: [],
    keys: [],
    audit: auditRows(1),
  }),
  attestations: () => ({
    ...base(),
    keys: [
      ...base().keys,
      sampleKey({
        fingerprint: hexOf('hsm key').toUpperCase() as Fingerprint,
        description: 'Secure Boot signer 2027 (YubiHSM)',
        home: {
          kind: 'token',
          token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' },
          ckaId: '0064',
          pkcs11Uri: 'pkcs11:serial=07550140;id=%00%64',
        },
      }),
    ],
    attestations: [
      sampleAttestation({
        seq: 9 as AuditSeq,
        fingerprint: hexOf('hsm key').toUpperCase() as Fingerprint,
        source: 'files',
        verdict: {
          kind: 'verified',
          root: { name: 'CN=Yubico YubiHSM Root CA', sha256: hexOf('hsm root'), source: 'shipped' },
          facts: {
            ...sampleYubihsm,
            origin: ['imported'],
            label: '\u202egnp.exe <b>',
            capabilities: ['sign-pkcs', 'sign-pss', 'exportable-under-wrap'],
          },
        },
      }),
      sampleAttestation({ seq: 5 as AuditSeq }),
      sampleAttestation({ verdict: { kind: 'failed', fault: 'signature-wrong', facts: sampleYubikey } }),
    ],
  }),
  'to-enrol': () => ({
    ...base(),
    status: {
      ...base().status,
      server: { kind: 'not-enrolled', apiUrl: 'https://debusine.example.org/api' },
      onDuty: false,
      inHand: 0,
    },
  }),
  empty: () => ({ ...base(), status: { ...base().status, inHand: 0 }, moreRequests: [] }),
  'ten-thousand': () => ({
    ...base(),
    moreRequests: doneRequests(10_000, false),
    status: { ...base().status, inHand: 10_000 },
  }),
  next: () => ({
    ...base(),
    pending: Array.from({ length: 9 }, (_, index) => ({
      workRequestId: (10_430 + index) as WorkRequestId,
      task: 'sign',
      purpose: 'uefi',
      fingerprint: sampleFingerprint,
      workspace: index % 2 === 0 ? 'sid' : 'trixie-security',
      createdAt: minutesAgo(5 + index * 13),
      createdBy: 42,
      priority: 0,
      assignedTo: index === 3 ? 12 : null,
      servable: index !== 5,
      note: index === 5 ? 'No key with this fingerprint is registered here.' : null,
    })),
  }),
  'server-gone': () => ({
    ...base(),
    status: {
      ...base().status,
      server: {
        kind: 'connecting',
        apiUrl: 'https://debusine.example.org/api',
        failure: {
          kind: 'unavailable',
          code: 'server-unreachable',
          message: 'debusine.example.org does not answer. Requests in hand stay here; the station goes on trying.',
        },
      },
    },
    pending: {
      kind: 'unavailable',
      code: 'server-unreachable',
      message: 'debusine.example.org does not answer. Nothing was changed; try again.',
    },
  }),
  'log-broken': () => ({
    ...base(),
    status: {
      ...base().status,
      station: 'read-only',
      log: { kind: 'broken', firstBadSeq: 731, reason: 'Its leaf hash is not that of its bytes.' },
    },
    auditCheck: { kind: 'broken', firstBadSeq: 731, reason: 'Its leaf hash is not that of its bytes.' },
  }),
  'log-contradicted': () => ({
    ...base(),
    status: {
      ...base().status,
      station: 'read-only',
      log: { kind: 'contradicted', reason: contradiction.sentence },
      contradictions: [contradiction],
    },
  }),
  'device-incident': () => ({ ...base(), status: { ...base().status, deviceIncidents: [deviceIncident] } }),
  'foreign-found': () => withOther(cannotTell, false),
  'absent-auditor': () => ({
    ...withOther(tampered(231), false),
    status: { ...base().status, station: 'absent', inHand: 0, logKey: null, checkpoint: null },
  }),
  'foreign-log': () => withOther(cannotTell),
  'foreign-tampered': () => withOther(tampered(231)),
  'no-log-key': () => ({
    ...base(),
    status: { ...base().status, logKey: null, checkpoint: null },
    log: { ...base().log, last: null },
  }),
  'folder-unplugged': () => ({
    ...base(),
    settings: { ...base().settings, checkpointFolders: ['/media/audit/checkpoints'], witnesses: [witness] },
    status: {
      ...base().status,
      checkpoint: {
        size: 1_281,
        at: minutesAgo(42),
        warnings: [
          {
            kind: 'unavailable',
            code: 'copy-not-written',
            message:
              'The checkpoint could not be copied to /media/audit/checkpoints: the folder is not there. The log itself is whole; plug the medium in, and the next checkpoint goes there.',
          },
        ],
      },
    },
  }),
  verifying: () => ({ ...base(), log: { ...base().log, steps: null } }),
  'long-log': () => ({ ...base(), audit: auditRows(200_000) }),
  'three-parts': () => ({ ...base(), audit: auditRows(10_003) }),
  'own-tampered': () => ({ ...base(), log: { ...base().log, report: { ...tampered(731), keyFrom: 'station' } } }),
  'own-doubtful': () => ({ ...base(), log: { ...base().log, report: cannotTell } }),
  'pin-locked': () => ({
    ...base(),
    tokens: [
      {
        token: sampleTokenSummary({ pinState: 'locked' }),
        objects: [sampleObject()],
        mechanisms: sampleMechanisms,
        problem: null,
      },
    ],
    keys: [
      sampleKey({
        usableNow: false,
        unusableBecause: 'The PIN of its token is locked.',
        availability: 'pin-locked',
      }),
    ],
  }),
  'module-broken': () => ({
    ...base(),
    tokens: [],
    modules: [
      {
        path: '/usr/lib/libykcs11.so',
        problem: {
          kind: 'unavailable',
          code: 'module-not-loadable',
          message: 'The module could not be loaded: the file does not exist. Correct the path under Settings.',
        },
      },
    ],
  }),
  'token-not-shown': () => ({
    ...base(),
    ...troubledDevices(),
    tokens: [],
    status: { ...base().status, tokens: [] },
  }),
  'status-fails': () => ({
    ...base(),
    failures: new Map([
      ['stationStatus', { kind: 'defect', code: 'no-answer', message: 'The station program gave no answer.' }],
    ]),
  }),
  'unregistered-token': () => ({
    ...base(),
    keys: [],
    tokens: [
      {
        token: sampleTokenSummary({ id: sampleToken, pinState: 'count-low' }),
        objects: [
          sampleObject(),
          sampleObject({ ckaId: '03', label: 'ed', algorithm: 'unsupported', certificatePem: null }),
        ],
        mechanisms: sampleMechanisms,
        problem: null,
      },
    ],
  }),
} satisfies Record<string, () => FakeState>

function withOther(report: VerificationReport, open = true): FakeState {
  const log = otherLog(exportPath, report, 402)
  return {
    ...base(),
    log: {
      ...base().log,
      opened: open ? exportPath : null,
      others: new Map([[exportPath, { log, rows: auditRows(402) }]]),
    },
  }
}

export type ScenarioName = keyof typeof scenarios

/** The request that every scenario with a request has. */
export const theRequest: RequestId = requestIdOf(1)
