import { createHash, randomUUID } from 'node:crypto'
import { readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import {
  type CeremonyDetail,
  type CeremonyId,
  type CeremonyPlan,
  type CeremonyRecord,
  type CeremonySummary,
  ceremonyId,
  ceremonyRecord,
  type StepInput,
} from '../../shared/ceremony.ts'
import type { Failure } from '../../shared/failure.ts'
import { sha256Hex } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { step as faultStep } from '../app/steps.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import { canonicalBytes } from '../canonical/canonical-json.ts'
import { isAsLogged } from './as-logged.ts'
import {
  filesOf,
  findCeremony,
  insertCeremony,
  insertRecord,
  type KeptFile,
  lastNumber,
  listCeremonies,
  openCeremony,
  type StoredCeremony,
  sealCeremony,
} from './ceremony.repository.ts'
import { detailOf, existingKeyRecords, existingKeys, plain } from './detail.ts'
import { perform } from './perform.ts'
import type { CeremonyPorts, Performed, TypedSecrets } from './ports.ts'
import { deviationsIn, stepNow, stepStates } from './progress.ts'
import { transcriptBytes } from './transcript.ts'

export interface Deviation {
  readonly id: CeremonyId
  /** Null: about the whole. */
  readonly step: string | null
  readonly effect: 'skipped' | 'noted'
  readonly by: string
  readonly reason: string
}

/**
 * One ceremony at a time. Every change is one record and one entry of the log in one transaction; what is not in a record did not happen. After
 * a stop the ceremony goes on from its records: an act that a device may have begun is looked at before it is asked again.
 */
export interface CeremonyEngine {
  list(): Promise<readonly CeremonySummary[]>
  show(id: CeremonyId): Promise<CeremonyDetail | null>
  /** `planSha256`: of the plan that was shown. */
  begin(
    script: Uint8Array,
    plan: CeremonyPlan,
    planSha256: string,
    operator: string,
  ): Promise<Result<CeremonyId, Failure>>
  startStep(id: CeremonyId, step: string, operator: string): Promise<Result<null, Failure>>
  finishStep(
    id: CeremonyId,
    what: { readonly step: string; readonly input: StepInput },
    secrets: TypedSecrets,
    operator: string,
  ): Promise<Result<null, Failure>>
  deviate(deviation: Deviation, operator: string): Promise<Result<null, Failure>>
  /** Seals the transcript. `completed` only when every step is done or skipped. */
  end(id: CeremonyId, outcome: 'completed' | 'abandoned', operator: string): Promise<Result<null, Failure>>
}

type Draft<T> = T extends CeremonyRecord ? Omit<T, 'n' | 'at' | 'operator'> : never
type NewRecord = Draft<CeremonyRecord>

export function createCeremonyEngine(ports: CeremonyPorts): CeremonyEngine {
  const { db } = ports
  let busy = false
  async function alone<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
    if (busy) return err(underWay)
    busy = true
    try {
      return await work()
    } finally {
      busy = false
    }
  }

  /** The record, its files and its entry: one commit. */
  async function write(
    id: CeremonyId,
    draft: NewRecord,
    operator: string,
    files: readonly KeptFile[] = [],
    also: (trx: Parameters<typeof insertRecord>[0]) => Promise<void> = async () => {},
  ): Promise<Result<CeremonyRecord, Failure>> {
    faultStep('ceremony', 'before')
    const written = await writeTransaction(db, async (trx) => {
      await also(trx)
      const n = (await lastNumber(trx, id)) + 1
      const record = ceremonyRecord.parse({ ...draft, n, at: ports.now().toISOString(), operator })
      const recordSha256 = digestOf(canonicalBytes(record))
      const [seq] = await ports.audit.append(trx, [await entryOf(trx, id, record, recordSha256)])
      if (seq === undefined) throw new Error('the log gave no number')
      await insertRecord(trx, id, { record, seq, files })
      return record
    })
    faultStep('ceremony', 'after')
    return written
  }

  async function entryOf(
    trx: Parameters<typeof insertRecord>[0],
    id: CeremonyId,
    record: CeremonyRecord,
    recordSha256: ReturnType<typeof digestOf>,
  ): Promise<AuditEntryBody> {
    const about = { ceremonyId: id, recordSha256, operator: record.operator }
    switch (record.event) {
      case 'ceremony-begun': {
        const { title } = await trx
          .selectFrom('ceremony')
          .select('title')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        return {
          event: record.event,
          ...about,
          title,
          scriptSha256: record.scriptSha256,
          planSha256: record.planSha256,
        }
      }
      case 'ceremony-step-begun': {
        const { plan } = await trx.selectFrom('ceremony').select('plan').where('id', '=', id).executeTakeFirstOrThrow()
        const steps: readonly { readonly id: string; readonly kind: string }[] = JSON.parse(plan).script.steps
        const kind = steps.find((each) => each.id === record.step)?.kind ?? 'unknown'
        return { event: record.event, ...about, step: record.step, kind, attempt: record.attempt }
      }
      case 'ceremony-act-intended': {
        const { step, act, deviceSerial, object } = record
        return { event: record.event, ...about, step, act, deviceSerial, object }
      }
      case 'ceremony-step-failed':
        return { event: record.event, ...about, step: record.step, code: record.code, message: record.message }
      case 'ceremony-step-ended':
        return { event: record.event, ...about, step: record.step }
      case 'ceremony-deviation': {
        const { step, effect, by, reason } = record
        return { event: record.event, ...about, step, effect, by, reason }
      }
    }
  }

  async function opened(id: CeremonyId): Promise<Result<StoredCeremony, Failure>> {
    const ceremony = await openCeremony(readerOf(db))
    if (ceremony?.summary.id !== id) return err(notOpen)
    return (await isAsLogged(readerOf(db), ceremony)) ? ok(ceremony) : err(notAsLogged)
  }

  /** The step that is now, if it is the one that is asked for. */
  async function current(id: CeremonyId, wanted: string) {
    const ceremony = await opened(id)
    if (!ceremony.ok) return ceremony
    const { plan, records } = ceremony.value
    const states = stepStates(plan.script, plain(ceremony.value))
    const index = stepNow(states)
    const step = index === null ? undefined : plan.script.steps[index]
    const state = index === null ? undefined : states[index]
    if (step === undefined || state === undefined || step.id !== wanted) return err(notNow)
    return ok({ ceremony: ceremony.value, records, step, state })
  }

  return {
    list: () => listCeremonies(readerOf(db)),
    show: async (id) => {
      const ceremony = await findCeremony(readerOf(db), id)
      return ceremony === null ? null : detailOf(ports, ceremony)
    },
    begin: (script, plan, planSha256, operator) =>
      alone(async () => {
        if (plan.planSha256 !== planSha256) return err(anotherPlan)
        if ((await openCeremony(readerOf(db))) !== null) return err(oneIsOpen)
        const known = await existingKeys(ports, plan)
        if (!known.ok) return known
        const id = ceremonyId.parse(randomUUID())
        const at = ports.now().toISOString()
        const { scriptSha256 } = plan
        const { version } = await ports.program()
        const draft: NewRecord = {
          event: 'ceremony-begun',
          scriptSha256,
          planSha256: plan.planSha256,
          softwareVersion: version,
        }
        const begun = await write(id, draft, operator, [], (trx) => insertCeremony(trx, id, { script, plan, at }))
        return begun.ok ? ok(id) : begun
      }),
    startStep: (id, step, operator) =>
      alone(async () => {
        const now = await current(id, step)
        if (!now.ok) return now
        const attempt = now.value.state.kind === 'begun' ? now.value.state.attempt + 1 : 1
        // A step that was begun and not ended is begun again only after it failed, or after the station stopped.
        const written = await write(id, { event: 'ceremony-step-begun', step, attempt }, operator)
        return written.ok ? ok(null) : written
      }),
    finishStep: async (id, { step: wanted, input }, secrets, operator) => {
      try {
        return await alone(async () => {
          const now = await current(id, wanted)
          if (!now.ok) return now
          const { ceremony, step, state } = now.value
          if (state.kind !== 'begun') return err(notBegun)
          if (input.kind !== step.kind) return err(anotherKind)
          const performed = await perform({
            ports,
            ceremonyId: id,
            scriptSha256: ceremony.plan.scriptSha256,
            step,
            input,
            records: [...(await existingKeyRecords(ports, ceremony.plan)), ...plain(ceremony)],
            since: state.at,
            intended: state.intended,
            secrets,
            operator,
            intend: async (act, deviceSerial, object) => {
              const intended = await write(
                id,
                { event: 'ceremony-act-intended', step: wanted, act, deviceSerial, object },
                operator,
              )
              return intended.ok ? ok(null) : intended
            },
            file: async (name) => (await filesOf(readerOf(db), id)).find((file) => file.name === name)?.content ?? null,
          })
          if (!performed.ok) {
            const { code, message } = performed.error
            if (code === 'log-unwritable') return performed
            const failed = await write(
              id,
              { event: 'ceremony-step-failed', step: wanted, code, message: message.slice(0, 2000) },
              operator,
            )
            return failed.ok ? performed : failed
          }
          const files = await newFiles(id, performed.value, wanted)
          const result = resultOf(performed.value, files)
          const ended = await write(id, { event: 'ceremony-step-ended', step: wanted, result }, operator, files)
          return ended.ok ? ok(null) : ended
        })
      } finally {
        // Whatever became of it: also where another step was under way, and nothing was done.
        secrets.pin?.wipe()
        secrets.officerPin?.wipe()
      }
    },
    deviate: ({ id, step, effect, by, reason }, operator) =>
      alone(async () => {
        if (effect === 'skipped') {
          const now = step === null ? err(notNow) : await current(id, step)
          if (!now.ok) return now
        } else {
          const ceremony = await opened(id)
          if (!ceremony.ok) return ceremony
          if (step !== null && !ceremony.value.plan.script.steps.some((each) => each.id === step)) return err(notNow)
        }
        const written = await write(id, { event: 'ceremony-deviation', step, effect, by, reason }, operator)
        return written.ok ? ok(null) : written
      }),
    end: (id, outcome, operator) =>
      alone(async () => {
        const found = await opened(id)
        if (!found.ok) return found
        const ceremony = found.value
        const open = stepNow(stepStates(ceremony.plan.script, plain(ceremony)))
        if (outcome === 'completed' && open !== null) return err(stepsOpen)
        if (outcome === 'abandoned' && deviationsIn(plain(ceremony)) === 0) return err(noReason)
        const at = ports.now().toISOString()
        const transcript = transcriptBytes({
          ceremony,
          outcome,
          endedAt: at,
          stationName: ports.stationName(),
          logKey: ports.checkpoints.key(),
        })
        const sha256 = digestOf(transcript)
        faultStep('ceremony', 'before')
        const sealed = await writeTransaction(db, async (trx) => {
          const deviations = deviationsIn(plain(ceremony))
          const [seq] = await ports.audit.append(trx, [
            { event: 'ceremony-ended', ceremonyId: id, outcome, deviations, transcriptSha256: sha256, operator },
          ])
          if (seq === undefined) throw new Error('the log gave no number')
          if (!(await sealCeremony(trx, id, { outcome, at, transcript, sha256, seq })))
            throw new Error('the ceremony is not open')
        })
        faultStep('ceremony', 'after')
        return sealed.ok ? ok(null) : sealed
      }),
  }

  /** Names are given once; a second attempt that made the same file again has another number. */
  async function newFiles(id: CeremonyId, { files = [] }: Performed, step: string): Promise<readonly KeptFile[]> {
    const taken = new Set((await filesOf(readerOf(db), id)).map(({ name }) => name))
    return files.map(({ name, content }) => {
      let free = name
      for (let number = 2; taken.has(free); number += 1) free = `${step}-${number}-${name}`
      taken.add(free)
      return { name: free, sha256: digestOf(content), content }
    })
  }
}

function resultOf({ facts, people, device, key }: Performed, files: readonly KeptFile[]) {
  return {
    facts: [...facts],
    files: files.map(({ name, sha256, content }) => ({ name, sha256: sha256Hex.parse(sha256), bytes: content.length })),
    people: people === undefined ? null : [...people],
    device: device ?? null,
    key: key ?? null,
  }
}

function digestOf(bytes: Uint8Array) {
  return sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
}

const refused = <C extends string>(code: C, message: string): Failure<C> => ({ kind: 'refused', code, message })
const underWay = refused(
  'ceremony-busy',
  'Another step of the ceremony is being carried out. Nothing was done. Wait for its end.',
)
const oneIsOpen = refused('ceremony-open', 'A ceremony is open already. Nothing was begun. Finish or abandon it first.')
const notOpen = refused('ceremony-not-open', 'This ceremony is not open. Nothing was changed.')
const notAsLogged = refused(
  'ceremony-not-as-logged',
  'The records or the plan of this ceremony are not what the audit log says: the database was changed. Nothing was done or sealed. Keep a copy of it, find out who had access, and put it back from a backup.',
)
const notNow = refused(
  'step-not-now',
  'This step is not the one that is due. Nothing was done. Steps follow each other; one is left out only by a deviation on record.',
)
const notBegun = refused(
  'step-not-begun',
  'This step was not begun. Nothing was done. Begin it first, so that its time is on record.',
)
const anotherKind = refused('step-of-another-kind', 'What was sent is for a step of another kind. Nothing was done.')
const anotherPlan = refused(
  'plan-differs',
  'The plan is not the one that was shown: the script was changed meanwhile. Nothing was begun. Read it again.',
)
const stepsOpen = refused('steps-open', 'Not all steps are done. Nothing was sealed. Go on, or abandon the ceremony.')
const noReason = refused(
  'deviation-wanted',
  'A ceremony is abandoned for a reason that is on record. Nothing was sealed. Record the deviation first.',
)
