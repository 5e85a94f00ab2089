import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, type Result } from '../../shared/result.ts'
import { deliverByHand } from './by-hand/deliver-by-hand.ts'
import { isByHand } from './by-hand/hand.repository.ts'
import { prepareByHand } from './by-hand/prepare-by-hand.ts'
import { type DeskPorts, notEnrolled, serverOf } from './desk-ports.ts'
import type { RequestState } from './machine.ts'
import { prepare } from './prepare.ts'
import { returnResult } from './return-result.ts'
import { isExternalDebsign } from './waiting/external-debsign.ts'
import { returnSignature } from './waiting/return-signature.ts'

// Where a request came from decides how it is prepared, and where its result goes; the desk itself knows no difference.

export function prepareAny(
  ports: DeskPorts,
  row: RequestRow,
  signal: AbortSignal,
): Promise<Result<{ readonly digest: string }, Failure>> {
  if (isByHand(row)) return prepareByHand(ports, row, signal)
  const server = serverOf(ports, row)
  return server === null ? Promise.resolve(err(notEnrolled)) : prepare({ ...ports, server }, row, signal)
}

export function handBack(
  ports: DeskPorts,
  row: RequestRow,
  state: Extract<RequestState, { kind: 'returning' }>,
  signal: AbortSignal,
): Promise<Result<'returned' | 'gone', Failure>> {
  if (isByHand(row)) return deliverByHand(ports, row)
  if (isExternalDebsign(row)) return returnSignature(ports, row, state, signal)
  const server = serverOf(ports, row)
  if (server === null) return Promise.resolve(err(notEnrolled))
  return returnResult(
    {
      ...ports,
      server,
      stationName: () => ports.settings().stationName,
      operatorName: () => ports.settings().operatorName,
      suffix: ports.signer.outputSuffix,
    },
    row,
    state,
    signal,
  )
}
