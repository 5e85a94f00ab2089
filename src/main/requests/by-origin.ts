import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, type Result } from '../../shared/result.ts'
import { deliverByHand } from './by-hand/deliver-by-hand.ts'
import { isByHand } from './by-hand/hand.repository.ts'
import { prepareByHand } from './by-hand/prepare-by-hand.ts'
import { type DeskPorts, notEnrolled, serverOf } from './desk-ports.ts'
import type { RequestState } from './machine.ts'
import { prepare } from './prepare.ts'
import { type Returned, returnResult } from './return-result.ts'
import { isExternalDebsign } from './waiting/external-debsign.ts'
import { returnSignature } from './waiting/return-signature.ts'

// A request came from a server to its worker, from a server to a person, or from that person's own disk. What differs is how its files come
// here and where its signatures go.

export async function prepareByOrigin(
  ports: DeskPorts,
  row: RequestRow,
  signal: AbortSignal,
): Promise<Result<{ readonly digest: string }, Failure>> {
  if (isByHand(row)) return prepareByHand(ports, row, signal)
  const server = serverOf(ports, row)
  return server === null ? err(notEnrolled) : prepare({ ...ports, server }, row, signal)
}

export async function returnByOrigin(
  ports: DeskPorts,
  row: RequestRow,
  state: Extract<RequestState, { kind: 'returning' }>,
  signal: AbortSignal,
): Promise<Result<Returned, Failure>> {
  if (isByHand(row)) return deliverByHand(ports, row)
  if (isExternalDebsign(row)) return returnSignature(ports, row, state, signal)
  const server = serverOf(ports, row)
  if (server === null) return err(notEnrolled)
  const { stationName, operatorName } = ports.settings()
  const parts = { ...ports, server, stationName: () => stationName, operatorName: () => operatorName }
  return returnResult({ ...parts, suffix: ports.signer.outputSuffix }, row, state, signal)
}
