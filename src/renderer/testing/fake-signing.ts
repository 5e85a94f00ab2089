import type { Input } from '../../shared/contract.ts'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestDetail, RequestSummary } from '../../shared/request.ts'
import type { Result } from '../../shared/result.ts'
import type { StationStatus } from '../../shared/status.ts'
import type { TokenId } from '../../shared/token.ts'
import { sameToken, tokenName } from '../parts/pin-view.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { hexOf, minutesAgo } from './sample-data.ts'

type SigningCalls = Pick<
  StationApi,
  | 'reviewOpen'
  | 'reviewApprove'
  | 'reviewDecline'
  | 'signingCancel'
  | 'signingResume'
  | 'signingStop'
  | 'incidentClose'
  | 'returnRetry'
>
type Pins = Pick<Input<'review.approve'>, 'pin' | 'useLastTry' | 'furtherPins'>

const done: Result<null, Failure> = { ok: true, value: null }

function fail(kind: Failure['kind'], code: string, message: string): Result<never, Failure> {
  return { ok: false, error: { kind, code, message } }
}

/** The deciding and signing side of a fake station: it refuses what main refuses, and signs key after key, the first key last. */
export function fakeSigning(
  state: FakeState,
  emit: <E extends EventName>(name: E, payload: EventPayload<E>) => void,
  change: (id: string, by: (detail: RequestDetail) => RequestDetail) => void,
  setStatus: (part: Partial<StationStatus>) => void,
): SigningCalls {
  const opened = new Set<string>()

  /** What main checks before a key is used: the sheet that was shown, what was acknowledged, the PINs. */
  function mayUseKeys(id: string, sheetDigest: string, pins: Pins): Result<RequestDetail, Failure> {
    const detail = state.requests.get(id)
    if (detail?.sheetDigest !== sheetDigest || !opened.has(sheetDigest)) {
      return fail(
        'refused',
        'sheet-not-shown',
        'This is not the sheet that was shown. Nothing was signed; read the new one.',
      )
    }
    const [first, ...others] = tokensOf(detail)
    const given = pins.furtherPins ?? []
    const isWanted = (token: TokenId) => others.some((other) => sameToken(other, token))
    // All keys are opened, or none: also when an interrupted request goes on.
    if (
      given.length !== others.length ||
      !given.every(({ token }) => isWanted(token)) ||
      (first === null) !== (pins.pin === null)
    )
      return fail('refused', 'pin-wanted', 'There has to be one PIN for each token. Nothing was approved or signed.')
    for (const token of [first, ...others]) {
      if (token === null) continue
      const typed = token === first ? pins : given.find((each) => sameToken(each.token, token))
      const refusal = refused(token, typed?.pin ?? null, typed?.useLastTry ?? false, others.length > 0)
      if (refusal !== null) return { ok: false, error: refusal }
    }
    return { ok: true, value: detail }
  }

  function refused(id: TokenId, pin: string | null, useLastTry: boolean, several: boolean): Failure | null {
    const found = state.tokens.find(({ token }) => sameToken(token.id, id))
    const which = several ? `The token ${tokenName(id)}` : 'The token'
    if (found === undefined)
      return {
        kind: 'unavailable',
        code: 'token-absent',
        message: `${which} is not here. Nothing was signed; plug it in and approve again.`,
      }
    if (found.token.pinState === 'final-try' && !useLastTry)
      return {
        kind: 'refused',
        code: 'pin-last-try',
        message: 'Only one try is left. The station does not use it on its own.',
      }
    if (pin === (state.pins.get(id.serial) ?? state.pin)) return null
    const next = {
      ok: 'count-low',
      'count-low': 'final-try',
      'final-try': 'locked',
      locked: 'locked',
      'not-set': 'not-set',
    } as const
    found.token = { ...found.token, pinState: next[found.token.pinState] }
    emit('tokens.changed', null)
    return {
      kind: 'refused',
      code: 'pin-incorrect',
      message: `${which} refused the PIN. Nothing was signed; the request is still up for review.`,
    }
  }

  function sign(detail: RequestDetail): void {
    change(detail.summary.id, (before) => ({
      ...before,
      summary: { ...before.summary, stage: 'signing' },
      decision: { kind: 'approved', operator: state.status.operator, at: minutesAgo(0), reason: null },
    }))
    if (state.signingPace !== null) signNext(detail.summary.id, state.signingPace)
  }

  /** Tells how far it is, and makes one more signature after a while. */
  function signNext(requestId: RequestSummary['id'], pace: number): void {
    const detail = state.requests.get(requestId)
    if (detail?.summary.stage !== 'signing') return
    const total = detail.files.length
    const signed = detail.files.filter(({ outcome }) => outcome.kind === 'signed').length
    const over = signed === total
    change(requestId, (before) => ({
      ...before,
      summary: { ...before.summary, signedCount: signed, ...(over ? { stage: 'done', outcome: 'signed' } : {}) },
    }))
    if (over) return setStatus({ inHand: state.status.inHand - 1 })
    emit('signing.progress', { requestId, signed, total, phase: 'signing' })
    setTimeout(() => {
      if (state.requests.get(requestId)?.summary.stage !== 'signing') return
      change(requestId, (before) => {
        const next = before.files.findIndex(({ outcome }) => outcome.kind !== 'signed')
        return { ...before, files: before.files.map((file, index) => (index === next ? oneMore(file) : file)) }
      })
      signNext(requestId, pace)
    }, pace)
  }

  function end(id: string, outcome: RequestSummary['outcome'], reason: string): Result<null, Failure> {
    change(id, (before) => ({
      ...before,
      summary: { ...before.summary, stage: 'done', outcome },
      decision: before.decision ?? {
        kind: 'declined',
        operator: state.status.operator,
        at: minutesAgo(0),
        reason,
      },
    }))
    setStatus({ inHand: Math.max(0, state.status.inHand - 1) })
    return done
  }

  return {
    reviewOpen: async ({ sheetDigest }) => {
      opened.add(sheetDigest)
      return done
    },
    reviewApprove: async ({ requestId, sheetDigest, acknowledged, ...pins }) => {
      const may = mayUseKeys(requestId, sheetDigest, pins)
      if (!may.ok) return may
      const { approvability } = may.value
      if (approvability?.kind !== 'approvable' || !approvability.acknowledge.every((id) => acknowledged.includes(id)))
        return fail('refused', 'not-approvable', 'This sheet cannot be approved as it is. Nothing was signed.')
      sign(may.value)
      return done
    },
    reviewDecline: async ({ requestId, reason }) => end(requestId, 'declined', reason),
    signingCancel: async ({ requestId }) => {
      change(requestId, (before) => ({ ...before, summary: { ...before.summary, stage: 'interrupted' } }))
      return done
    },
    signingResume: async ({ requestId, sheetDigest, ...pins }) => {
      opened.add(sheetDigest)
      const may = mayUseKeys(requestId, sheetDigest, pins)
      if (!may.ok) return may
      sign(may.value)
      return done
    },
    signingStop: async ({ requestId, reason }) => end(requestId, 'partly-signed', reason),
    incidentClose: async ({ requestId, note }) => end(requestId, 'partly-signed', note),
    returnRetry: async ({ requestId }) => end(requestId, 'signed', ''),
  }
}

type File = RequestDetail['files'][number]

/** The first key's token (null: it is in software), and each other token that holds a key, once. */
function tokensOf({ sheet }: RequestDetail): readonly [TokenId | null, ...TokenId[]] {
  const homes = sheet === null ? [] : [sheet.key, ...(sheet.furtherKeys ?? []).map(({ key }) => key)]
  const [first = null, ...others] = homes.map(({ registered }) =>
    registered?.home.kind === 'token' ? registered.home.token : null,
  )
  const distinct: TokenId[] = []
  for (const token of others)
    if (token !== null && ![first, ...distinct].some((known) => known !== null && sameToken(known, token)))
      distinct.push(token)
  return [first, ...distinct]
}

/** The file with one more signature: those of the further keys in their order, then the first key's, which completes it. */
function oneMore(file: File): File {
  const { further = [] } = file
  const next = further.findIndex(({ outcome }) => outcome.kind !== 'made')
  if (next >= 0) {
    const made = { kind: 'made', at: minutesAgo(0) } as const
    return { ...file, further: further.map((each, index) => (index === next ? { ...each, outcome: made } : each)) }
  }
  return {
    ...file,
    outcome: { kind: 'signed', outputSha256: hexOf(`out ${file.path}`), outputSize: 12_119_000, at: minutesAgo(0) },
  }
}
