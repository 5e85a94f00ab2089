import type { Answer, Channel, Input } from '../shared/contract.ts'
import type { EventName, EventPayload } from '../shared/events.ts'
import type { Failure } from '../shared/failure.ts'
import type { Result } from '../shared/result.ts'

/** `review.approve` → `reviewApprove`, `keys.set-state` → `keysSetState`. */
type CamelCase<S extends string> = S extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S extends `${infer Head}-${infer Tail}`
    ? `${Head}${Capitalize<CamelCase<Tail>>}`
    : S

type Arguments<C extends Channel> = Input<C> extends null ? [input?: null] : [input: Input<C>]

type Calls = {
  readonly [C in Channel as CamelCase<C>]: (...input: Arguments<C>) => Promise<Result<Answer<C>, Failure>>
}

/** `window.station`: everything that the untrusted side of the program can do. A failure is data; a promise never rejects. */
export interface StationApi extends Calls {
  /** Paths of files that were dropped or chosen, in order; those that have none (made by a script) are left out. */
  pathsOf(files: readonly File[]): Promise<readonly string[]>

  /** Calls `listener` for each event of that name until the returned function is called. Unknown names throw. */
  onEvent<E extends EventName>(event: E, listener: (payload: EventPayload<E>) => void): () => void
}

/** What carries the messages: Electron's `ipcRenderer`, or its stand-in in a Chromium window. */
export interface Transport {
  /** One request as JSON; resolves to the JSON of the answer. */
  readonly invoke: (text: string) => Promise<string>
  /** Calls `listener` with the JSON of each event from main. */
  readonly onEvent: (listener: (text: string) => void) => void
  /** Empty: it is no file of this machine. */
  readonly pathOf: (file: File) => string | Promise<string>
}

// The schemas stay in main: the preload only names things, so that neither zod nor a second opinion is in this process.
const eventNames: { readonly [E in EventName]: true } = {
  'status.changed': true,
  'requests.changed': true,
  'signing.progress': true,
  'devices.changed': true,
  'generation.progress': true,
  'tokens.changed': true,
  'keys.changed': true,
  'keys.reencrypt-progress': true,
  'keys.import-progress': true,
  'settings.changed': true,
  'hand.offered': true,
  'standing.changed': true,
  'audit.changed': true,
  'audit.verify-progress': true,
  'audit.export-progress': true,
  'desk.locked': true,
}

/** One named function for each channel; there is no way to name a channel from outside. */
export function makeStationApi(transport: Transport): StationApi {
  const listeners = new Map<string, Set<(payload: never) => void>>()
  let lastId = 0

  async function ask<C extends Channel>(channel: C, input: Input<C>): Promise<Result<Answer<C>, Failure>> {
    lastId += 1
    const id = lastId
    try {
      // The answer was parsed by main against the contract before it was sent; main is the trusted side.
      const { id: answered, ...answer } = JSON.parse(await transport.invoke(JSON.stringify({ id, channel, input })))
      if (answered !== id && answered !== null) throw new Error('an answer to another question')
      return answer
    } catch {
      return lost
    }
  }

  function call<C extends Channel>(channel: C): (...input: Arguments<C>) => Promise<Result<Answer<C>, Failure>> {
    // `Arguments` allows leaving out the input exactly where the contract says null.
    return (...input) => ask(channel, (input.length === 0 ? null : input[0]) as Input<C>)
  }

  transport.onEvent((text) => {
    const { event, payload } = JSON.parse(text)
    // One at a time from the queue: a listener that throws does not keep the others from hearing.
    for (const listener of listeners.get(event) ?? []) queueMicrotask(() => listener(payload as never))
  })

  return Object.freeze({
    stationStatus: call('station.status'),
    stationCreate: call('station.create'),
    requestsList: call('requests.list'),
    requestsNext: call('requests.next'),
    requestsShow: call('requests.show'),
    reviewOpen: call('review.open'),
    reviewRecheck: call('review.recheck'),
    reviewApprove: call('review.approve'),
    reviewDecline: call('review.decline'),
    signingCancel: call('signing.cancel'),
    signingResume: call('signing.resume'),
    signingStop: call('signing.stop'),
    incidentClose: call('incident.close'),
    incidentCloseDevice: call('incident.close-device'),
    returnRetry: call('return.retry'),
    requestRenew: call('request.renew'),
    outputsSave: call('outputs.save'),
    handOffered: call('hand.offered'),
    handOpen: call('hand.open'),
    handDeliver: call('hand.deliver'),
    standingList: call('standing.list'),
    standingGrant: call('standing.grant'),
    standingWithdraw: call('standing.withdraw'),
    waitingList: call('waiting.list'),
    waitingAnswer: call('waiting.answer'),
    waitingTake: call('waiting.take'),
    dutySet: call('duty.set'),
    tokensList: call('tokens.list'),
    devicesList: call('devices.list'),
    modulesFind: call('modules.find'),
    doctorRun: call('doctor.run'),
    tokensDeviceLogs: call('tokens.device-logs'),
    keysList: call('keys.list'),
    keysRegister: call('keys.register'),
    keysCertifyOpenpgp: call('keys.certify-openpgp'),
    keysExtendOpenpgp: call('keys.extend-openpgp'),
    keysRevokeOpenpgp: call('keys.revoke-openpgp'),
    keysBringOpenpgp: call('keys.bring-openpgp'),
    keysCreateSoftware: call('keys.create-software'),
    keysSetState: call('keys.set-state'),
    keysAttestations: call('keys.attestations'),
    keysAttest: call('keys.attest'),
    keysImportAttestation: call('keys.import-attestation'),
    rootsList: call('roots.list'),
    rootsRead: call('roots.read'),
    rootsAdd: call('roots.add'),
    rootsWithdraw: call('roots.withdraw'),
    keysCreateAsset: call('keys.create-asset'),
    generationAbilities: call('generation.abilities'),
    generationList: call('generation.list'),
    generationBegin: call('generation.begin'),
    generationContinue: call('generation.continue'),
    generationBringCertificate: call('generation.bring-certificate'),
    generationClose: call('generation.close'),
    generationServe: call('generation.serve'),
    keysServiceList: call('keys.service-list'),
    keysServiceMake: call('keys.service-make'),
    keysReencrypt: call('keys.reencrypt'),
    keysReencryptStop: call('keys.reencrypt-stop'),
    keysImportPreview: call('keys.import-preview'),
    keysImport: call('keys.import'),
    keysImportStop: call('keys.import-stop'),
    keysExportSoftware: call('keys.export-software'),
    ceremonyScripts: call('ceremony.scripts'),
    ceremonyReadScript: call('ceremony.read-script'),
    ceremonyPlan: call('ceremony.plan'),
    ceremonyBegin: call('ceremony.begin'),
    ceremonyList: call('ceremony.list'),
    ceremonyShow: call('ceremony.show'),
    ceremonyStartStep: call('ceremony.start-step'),
    ceremonyFinishStep: call('ceremony.finish-step'),
    ceremonyDeviate: call('ceremony.deviate'),
    ceremonyEnd: call('ceremony.end'),
    ceremonySaveEvidence: call('ceremony.save-evidence'),
    auditList: call('audit.list'),
    auditShow: call('audit.show'),
    auditCheck: call('audit.check'),
    auditVerify: call('audit.verify'),
    auditVerifyCancel: call('audit.verify-cancel'),
    auditExport: call('audit.export'),
    auditExportCancel: call('audit.export-cancel'),
    auditCheckpoint: call('audit.checkpoint'),
    auditLastCheckpoint: call('audit.last-checkpoint'),
    auditAddCosignature: call('audit.add-cosignature'),
    auditOpen: call('audit.open'),
    auditOpened: call('audit.opened'),
    auditCloseOpened: call('audit.close-opened'),
    auditFound: call('audit.found'),
    auditCompare: call('audit.compare'),
    auditCloseContradiction: call('audit.close-contradiction'),
    logCreateKey: call('log.create-key'),
    settingsGet: call('settings.get'),
    settingsSet: call('settings.set'),
    serverEnrol: call('server.enrol'),
    serverSetUserToken: call('server.set-user-token'),

    async pathsOf(files: readonly File[]) {
      const paths = await Promise.all(files.map(async (file) => transport.pathOf(file)))
      return paths.filter((path) => path.startsWith('/'))
    },

    onEvent<E extends EventName>(event: E, listener: (payload: EventPayload<E>) => void): () => void {
      if (!Object.hasOwn(eventNames, event)) throw new TypeError(`there is no event ${event}`)
      const ofEvent = listeners.get(event) ?? new Set()
      listeners.set(event, ofEvent)
      // A listener of its own for each call, so that subscribing one function twice and leaving once leaves one.
      const own = (payload: EventPayload<E>): void => listener(payload)
      ofEvent.add(own)
      return () => void ofEvent.delete(own)
    },
  })
}

/** The window cannot know whether main did what was asked: it says so, and asks for the state again. */
const lost = Object.freeze({
  ok: false as const,
  error: Object.freeze({
    kind: 'defect' as const,
    code: 'no-answer',
    message:
      'The station program gave no answer. What was asked may have been done; look at the request again before you repeat it.',
  }),
})
