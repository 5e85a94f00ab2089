import type { AuditDetail, AuditFilter, AuditRow, AuditSource, OpenedLog } from '../../shared/audit.ts'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { hexOf, minutesAgo } from './sample-data.ts'
import { checkpointNote, origin, vkey as ownVkey, proofText, verified } from './sample-log.ts'

type AuditCalls = Pick<StationApi, Extract<keyof StationApi, `audit${string}` | 'logCreateKey' | 'incidentCloseDevice'>>

const done: Result<null, Failure> = { ok: true, value: null }

function fail(kind: Failure['kind'], code: string, message: string): Result<never, Failure> {
  return { ok: false, error: { kind, code, message } }
}

const cancelled = fail('refused', 'cancelled', 'It was cancelled.')

/** The log's side of a fake station: it filters, pages, verifies and opens as main does, on rows in memory. */
export function fakeAudit(
  state: FakeState,
  emit: <E extends EventName>(name: E, payload: EventPayload<E>) => void,
): AuditCalls {
  const running = { verify: 0, export: 0 }
  const rowsOf = (source: AuditSource): readonly AuditRow[] =>
    source === 'station' ? state.audit : (state.log.others.get(state.log.opened ?? '')?.rows ?? [])

  /** Tells `steps` times how far it is, in tasks of their own; false: it was cancelled meanwhile. */
  async function work(kind: keyof typeof running, tell: (step: number, steps: number) => void): Promise<boolean> {
    running[kind] += 1
    const mine = running[kind]
    for (let step = 0; state.log.steps === null || step < state.log.steps; step += 1) {
      await new Promise((go) => setTimeout(go, state.log.steps === null ? 200 : 0))
      if (running[kind] !== mine) return false
      tell(state.log.steps === null ? 1 : step, state.log.steps ?? 3)
    }
    return true
  }

  return {
    auditList: async ({ source, filter, skip, limit, cursor }) => {
      const anchored = rowsOf(source).filter((row) => cursor === null || row.seq <= Number(cursor))
      const all = anchored.filter((row) => matches(row, filter)).toReversed()
      const rows = all.slice(skip, skip + limit)
      return {
        ok: true,
        value: {
          rows,
          total: all.length,
          nextCursor: skip + limit < all.length ? String(rows.at(-1)?.seq ?? '') : null,
          anchor: all[0] === undefined ? null : String(all[0].seq),
        },
      }
    },
    auditShow: async ({ source, seq }) => {
      const row = rowsOf(source).find((each) => each.seq === seq)
      return row === undefined
        ? fail('invalid', 'no-such-entry', 'The log has no entry with this number.')
        : { ok: true, value: detailOf(row, source === 'station' && row.seq <= (state.log.last?.size ?? 0)) }
    },
    auditCheck: async () => ({ ok: true, value: state.auditCheck }),
    auditVerify: async ({ source }) => {
      const total = rowsOf(source).length
      const whole = await work('verify', (step, steps) =>
        emit('audit.verify-progress', { source, done: Math.floor((total * step) / steps), total, unit: 'entries' }),
      )
      if (!whole) return cancelled
      const other = state.log.others.get(state.log.opened ?? '')
      return { ok: true, value: source === 'station' || other === undefined ? state.log.report : other.log.report }
    },
    auditVerifyCancel: async () => {
      running.verify += 1
      return done
    },
    auditExport: async ({ since, until, fingerprint, requestId }) => {
      const filter: AuditFilter = {
        ...(since === null ? {} : { since }),
        ...(until === null ? {} : { until }),
        ...(fingerprint === null ? {} : { fingerprint }),
        ...(requestId === null ? {} : { requestId }),
      }
      const entries = state.audit.filter((row) => matches(row, filter)).length
      const whole = await work('export', (step, steps) =>
        emit('audit.export-progress', { entries: Math.floor((entries * step) / steps), total: entries }),
      )
      const path = '/home/operator/.local/share/signing-station/exports/signing-log-2026-11-20T10-48-00.jsonl'
      return whole ? { ok: true, value: { path, entries, bytes: entries * 938 } } : cancelled
    },
    auditExportCancel: async () => {
      running.export += 1
      return done
    },
    auditCheckpoint: async () => {
      const size = state.audit.length
      const note = checkpointNote(size)
      state.log.last = { size, at: minutesAgo(0), note }
      setStatus({ checkpoint: { size, at: minutesAgo(0), warnings: state.status.checkpoint?.warnings ?? [] } })
      return { ok: true, value: { size, note } }
    },
    auditLastCheckpoint: async () => ({ ok: true, value: state.log.last }),
    auditAddCosignature: async ({ text, witness }) =>
      text.includes(witness.split('+', 1)[0] ?? '')
        ? done
        : fail('invalid', 'cosignature-wrong', 'This is no signature of that witness for a checkpoint of this log.'),
    auditOpen: async ({ path, vkey }) => {
      const other = state.log.others.get(path)
      if (other === undefined)
        return fail('invalid', 'no-log', 'This file is no export and no station’s database. Nothing was opened.')
      const whole = await work('verify', (step, steps) =>
        emit('audit.verify-progress', {
          source: 'opened',
          done: Math.floor((402 * step) / steps),
          total: 402,
          unit: 'entries',
        }),
      )
      if (!whole) return cancelled
      state.log.opened = path
      const log: OpenedLog = vkey === null ? other.log : { ...other.log, report: { ...verified, keyFrom: 'reviewer' } }
      state.log.others.set(path, { ...other, log })
      return { ok: true, value: log }
    },
    auditOpened: async () => ({ ok: true, value: state.log.others.get(state.log.opened ?? '')?.log ?? null }),
    auditCloseOpened: async () => {
      state.log.opened = null
      return done
    },
    auditFound: async () => ({ ok: true, value: [...state.log.found] }),
    auditCompare: async () => ({ ok: true, value: state.log.comparison }),
    incidentCloseDevice: async ({ opened }) => {
      setStatus({ deviceIncidents: state.status.deviceIncidents.filter(({ seq }) => seq !== opened) })
      return done
    },
    auditCloseContradiction: async ({ contradiction }) => {
      setStatus({ contradictions: state.status.contradictions.filter(({ id }) => id !== contradiction) })
      return done
    },
    logCreateKey: async () => {
      setStatus({ logKey: { origin, vkey: ownVkey }, checkpoint: { size: 0, at: null, warnings: [] } })
      return done
    },
  }

  function setStatus(change: Partial<FakeState['status']>): void {
    state.status = { ...state.status, ...change }
    emit('status.changed', state.status)
  }
}

function matches(row: AuditRow, filter: AuditFilter): boolean {
  return (
    (filter.event === undefined || row.event === filter.event) &&
    (filter.purpose === undefined || row.purpose === filter.purpose) &&
    (filter.requestId === undefined || row.requestId === filter.requestId) &&
    (filter.workRequestId === undefined || row.workRequestId === filter.workRequestId) &&
    (filter.operator === undefined || (row.operator ?? '').toLowerCase().includes(filter.operator.toLowerCase())) &&
    (filter.fingerprint === undefined || (row.fingerprint ?? '').startsWith(filter.fingerprint)) &&
    (filter.digest === undefined || (row.inputSha256 ?? '').startsWith(filter.digest)) &&
    (filter.since === undefined || row.at >= filter.since) &&
    (filter.until === undefined || row.at <= filter.until)
  )
}

function detailOf(row: AuditRow, covered: boolean): AuditDetail {
  return {
    row,
    entryHex: null,
    entry: JSON.stringify({
      at: row.at,
      event: row.event,
      fingerprint: row.fingerprint,
      inputSha256: row.inputSha256,
      ...(row.key === undefined ? {} : { key: row.key }),
      operator: row.operator,
      ...(row.outputSha256 === undefined ? {} : { outputSha256: row.outputSha256 }),
      requestId: row.requestId,
      seq: row.seq,
      version: 1,
    }),
    leafHash: hexOf(`leaf ${row.seq}`),
    previousLeafHash: hexOf(`leaf ${row.seq - 1}`),
    proof: covered ? proofText(row.seq) : null,
  }
}
