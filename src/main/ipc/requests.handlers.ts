import { readerOf } from '../../../db/database.ts'
import type { Input } from '../../shared/contract.ts'
import { err, ok } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { proveEntry } from '../audit/proofs.ts'
import { lastCheckpoint } from '../audit/tree.repository.ts'
import { notFound } from '../requests/desk-ports.ts'
import { listPendingWork } from '../requests/pending-work.ts'
import { listRequests, showRequest } from '../requests/request-lists.ts'
import { type Evidence, saveOutputs } from '../requests/save-outputs.ts'
import type { Station } from '../station/station.ts'
import { changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

/** PINs as typed become bytes that can be wiped; the strings themselves are the window's message and go with it. */
function typedPins(pin: string | null, furtherPins: Input<'review.approve'>['furtherPins']) {
  return {
    pin: pin === null ? null : Secret.fromText(pin),
    furtherPins: (furtherPins ?? []).map((each) => ({ ...each, pin: Secret.fromText(each.pin) })),
  }
}

export function requestBindings(access: StationAccess, outputSuffix: string, now: () => Date) {
  return {
    'requests.list': bind('requests.list', (input) =>
      reading(access, async ({ database }) => ok(await listRequests(database.db, input))),
    ),
    'requests.next': bind('requests.next', () =>
      reading(access, ({ database, settings, keys, profile }) =>
        listPendingWork({ db: database.db, settings: settings(), keys, userTokenFile: profile.userToken, now }),
      ),
    ),
    'requests.show': bind('requests.show', ({ requestId }) =>
      reading(access, async ({ database }) => {
        const detail = await showRequest(database.db, requestId)
        return detail === null ? err(notFound) : ok(detail)
      }),
    ),
    'review.open': bind('review.open', ({ requestId, sheetDigest }) =>
      changing(access, ({ desk }) => desk.show(requestId, sheetDigest)),
    ),
    'review.recheck': bind('review.recheck', ({ requestId }) =>
      changing(access, async ({ desk, database }) => {
        const checked = await desk.recheck(requestId)
        if (!checked.ok) return checked
        const detail = await showRequest(database.db, requestId)
        return detail === null ? err(notFound) : ok(detail)
      }),
    ),
    'review.approve': bind('review.approve', ({ pin, furtherPins, ...input }) =>
      changing(access, ({ desk }) => desk.approve({ ...input, ...typedPins(pin, furtherPins) })),
    ),
    'review.decline': bind('review.decline', ({ requestId, reason }) =>
      changing(access, ({ desk }) => desk.decline(requestId, reason)),
    ),
    'signing.cancel': bind('signing.cancel', ({ requestId }) => changing(access, ({ desk }) => desk.cancel(requestId))),
    'signing.resume': bind('signing.resume', ({ pin, furtherPins, ...input }) =>
      changing(access, ({ desk }) => desk.resume({ ...input, ...typedPins(pin, furtherPins) })),
    ),
    'signing.stop': bind('signing.stop', ({ requestId, reason }) =>
      changing(access, ({ desk }) => desk.giveUp(requestId, reason)),
    ),
    'incident.close': bind('incident.close', ({ requestId, note }) =>
      changing(access, ({ desk }) => desk.closeIncident(requestId, note)),
    ),
    'return.retry': bind('return.retry', ({ requestId }) =>
      changing(access, ({ desk }) => desk.returnAgain(requestId)),
    ),
    'request.renew': bind('request.renew', ({ requestId }) => changing(access, ({ desk }) => desk.renew(requestId))),
    'outputs.save': bind('outputs.save', ({ requestId }) =>
      reading(access, async (station) => {
        const { database, profile, checkpoints, logState } = station
        // So that the newest signatures are covered; where that fails, fewer proofs are written and the answer says so.
        if (logState.kind === 'whole' && checkpoints.key() !== null) await checkpoints.write()
        return saveOutputs(database.db, requestId, profile.exports, outputSuffix, evidenceOf(station))
      }),
    ),
  }
}

function evidenceOf({ database, checkpoints }: Station): Evidence {
  const reader = readerOf(database.db)
  const key = checkpoints.key()
  return {
    proofOf: async (seq) => {
      const proof = key === null ? null : await proveEntry(reader, key, seq)
      return proof?.ok === true ? proof.value : null
    },
    ofLog: async () => ({
      checkpoint: (await lastCheckpoint(reader))?.note ?? null,
      vkey: key === null ? null : formatVerifierKey(key),
    }),
  }
}
