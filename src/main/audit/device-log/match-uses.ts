import { assign, type Job, type LeftOver } from './assign.ts'
import { type DeviceResult, type DeviceUse, deviceUseOf } from './device-commands.ts'
import type { DeviceLog, StoredEntry, Window } from './device-log.ts'
import { type DeviceFinding, deviceEntries, deviceFinding, listed, objectName } from './finding.ts'
import type { KeyUse, RegisteredKey, Said } from './key-use.ts'
import { quietParts } from './quiet-parts.ts'

/** An entry of the device and the use of ours that it tells of. */
export interface MatchedUse {
  readonly place: number
  readonly seq: number
  readonly said: Said
  readonly result: DeviceResult
}

export interface MatchReview {
  /** By place. */
  readonly matched: readonly MatchedUse[]
  readonly findings: readonly DeviceFinding[]
  /** Uses without an entry that may still be in the device: it has not been asked since. */
  readonly pending: readonly number[]
  /** `signed`, without an entry, at a time of which the device's log is missing. */
  readonly unconfirmed: readonly number[]
  /** In doubt, and the device's log of that time, which is there, has nothing for them: the token did not sign. */
  readonly notAtDevice: readonly number[]
}

interface DeviceSide {
  readonly stored: StoredEntry
  readonly use: DeviceUse
  readonly window: Window
}

/**
 * Matches what a device says that it did with the station's keys with what the audit log says (docs/formats/device-log.md §5). `uses` ascend;
 * `lost`: where entries of the device are missing. Yields where it may pause.
 */
export function* matchUses(
  log: DeviceLog,
  uses: readonly KeyUse[],
  keys: readonly RegisteredKey[],
  lost: readonly Window[],
): Generator<void, MatchReview> {
  const registered = new Set(keys.flatMap(({ objectId }) => objectId ?? []))
  const groupOf = (objectId: number | null) => (objectId !== null && registered.has(objectId) ? objectId : null)
  const lastAsked = log.drains.at(-1)?.askedSeq ?? 0
  const reviews: MatchReview[] = []
  for (const part of quietParts(log, uses)) {
    const device = Map.groupBy(
      part.entries.flatMap(({ stored, window }): DeviceSide[] => {
        const use = deviceUseOf(stored.entry)
        return use === null ? [] : [{ stored, use, window }]
      }),
      ({ use }) => groupOf(use.objectId),
    )
    const ours = Map.groupBy(part.uses, ({ objectId }) => groupOf(objectId))
    for (const objectId of new Set([...device.keys(), ...ours.keys()])) {
      const context = { serial: log.serial, objectId, lastAsked, lost }
      reviews.push(matchKey(context, device.get(objectId) ?? [], ours.get(objectId) ?? []))
    }
    yield
  }
  return {
    matched: reviews.flatMap(({ matched }) => matched).toSorted((a, b) => a.place - b.place),
    findings: reviews.flatMap(({ findings }) => findings),
    pending: ascending(reviews.flatMap(({ pending }) => pending)),
    unconfirmed: ascending(reviews.flatMap(({ unconfirmed }) => unconfirmed)),
    notAtDevice: ascending(reviews.flatMap(({ notAtDevice }) => notAtDevice)),
  }
}

interface KeyContext {
  readonly serial: string
  /** Null: all objects that no registered key names. */
  readonly objectId: number | null
  readonly lastAsked: number
  readonly lost: readonly Window[]
}

function matchKey(context: KeyContext, device: readonly DeviceSide[], ours: readonly KeyUse[]): MatchReview {
  // What the station never sends belongs to nothing of ours. With keys of others it is their business, but for signatures.
  const [possible, foreign] = partition(device, ({ use }) => use.ours)
  const asked = ours.filter(({ said }) => said !== 'withdrawn')
  const isPending = ({ endSeq }: KeyUse) => endSeq === null || endSeq > context.lastAsked
  const isLost = (use: KeyUse) => context.lost.some((window) => overlaps(use, window))
  const { jobOf, leftSlots, leftJobs } = assign(
    possible.map(({ window, use }) => ({ ...window, result: use.result })),
    asked.map((use) => jobOfUse(use, use.said === 'signed' && !isPending(use) && !isLost(use))),
  )
  const matched = jobOf.flatMap((job, slot): MatchedUse[] => {
    const [side, use] = [possible[slot], job === null ? undefined : asked[job]]
    return side === undefined || use === undefined
      ? []
      : [{ place: side.stored.place, seq: use.seq, said: use.said, result: side.use.result }]
  })
  const taken = new Set(matched.map(({ seq }) => seq))
  const without = asked.filter(({ seq, said }) => said !== 'refused' && !taken.has(seq))
  const settled = without.filter((use) => !isPending(use))
  return {
    matched,
    pending: without.filter(isPending).map(({ seq }) => seq),
    unconfirmed: settled.filter((use) => use.said === 'signed' && isLost(use)).map(({ seq }) => seq),
    notAtDevice: settled.filter((use) => use.said === 'in-doubt' && !isLost(use)).map(({ seq }) => seq),
    findings: [
      ...leftSlots.map((left) => notOurs(context, left, possible, ours)),
      ...leftJobs.map(({ count, members }) =>
        notOnDevice(
          context,
          count,
          members.flatMap((job) => asked[job] ?? []),
        ),
      ),
      ...foreignUses(context, foreign),
    ],
  }
}

/** `must`: the device's log of that time is there, so it has to have an entry. */
function jobOfUse(use: KeyUse, must: boolean): Job {
  return {
    start: use.seq,
    end: use.endSeq ?? Number.POSITIVE_INFINITY,
    takes: use.said === 'signed' ? 'done' : use.said === 'refused' ? 'failed' : 'either',
    must,
  }
}

function overlaps(use: KeyUse, window: Window): boolean {
  return use.seq <= window.upTo && (use.endSeq === null || use.endSeq > window.after)
}

function notOurs(
  { serial, objectId }: KeyContext,
  left: LeftOver,
  possible: readonly DeviceSide[],
  ours: readonly KeyUse[],
): DeviceFinding {
  const sides = left.members.flatMap((slot) => possible[slot] ?? [])
  const stored = sides.map((side) => side.stored)
  const done = sides.some(({ use }) => use.result === 'done')
  const verb = done ? 'made a signature' : 'was asked for a signature, and failed to make it,'
  const key = names(sides.map(({ use }) => use.objectId))
  const logins = names(stored.map(({ entry }) => entry.sessionKey))
  const known = objectId !== null
  // Of what we say that was not signed, what could be meant.
  const denied = !done
    ? []
    : ours.filter(
        (use) =>
          (use.said === 'refused' || use.said === 'withdrawn') && sides.some(({ window }) => overlaps(use, window)),
      )
  const which =
    left.count === stored.length
      ? `${deviceEntries(stored)} ${stored.length === 1 ? 'has' : 'have'} no counterpart in the audit log`
      : `of ${deviceEntries(stored)}, ${left.count} ${left.count === 1 ? 'has' : 'have'} no counterpart in the audit log; which cannot be told`
  return deviceFinding(
    serial,
    !known ? 'use-of-unknown-key' : done ? 'use-not-ours' : 'failed-use-not-ours',
    {
      places: stored.map(({ place }) => place),
      auditSeqs: denied.map(({ seq }) => seq),
      count: left.count,
      key: stored[0]?.place ?? 0,
    },
    [
      `The device ${verb} with key ${key}${known ? '' : ', which is not registered here,'} and this station did not ask for it: ${which}.`,
      `The session was opened with authentication key ${logins}.`,
      ...(denied.length > 0
        ? [
            `The audit log says of ${denied.length === 1 ? 'entry' : 'entries'} ${listed(denied.map(({ seq }) => seq))} that the token signed nothing: that may be wrong.`,
          ]
        : []),
      done
        ? 'A signature may exist that nobody approved. Suspend the key, and find out who used the device.'
        : 'Find out who used the device.',
    ].join(' '),
  )
}

function notOnDevice({ serial, objectId }: KeyContext, count: number, members: readonly KeyUse[]): DeviceFinding {
  const seqs = members.map(({ seq }) => seq)
  const one = seqs.length === 1
  const which = count === seqs.length ? '' : `${count} of `
  return deviceFinding(
    serial,
    'signature-not-on-device',
    { auditSeqs: seqs, count, key: seqs[0] ?? 0 },
    `The audit log says that the device signed${objectId === null ? '' : ` with key ${objectName(objectId)}`} for ${which}${one ? 'entry' : 'entries'} ${listed(seqs)}, and the device’s log of that time, of which nothing is missing, does not have ${count === 1 ? 'that signature' : 'those signatures'}. Another device or another key made ${count === 1 ? 'it' : 'them'}, or the device does not log that command: ask for its options, and verify ${count === 1 ? 'the signature' : 'the signatures'}.`,
  )
}

/** Uses by commands that the station never sends: each a finding with our keys, one for each key with keys that are not. */
function foreignUses({ serial, objectId }: KeyContext, foreign: readonly DeviceSide[]): readonly DeviceFinding[] {
  if (objectId !== null)
    return foreign.map(({ stored, use }) =>
      deviceFinding(
        serial,
        'use-by-other-command',
        { places: [stored.place], key: stored.place },
        `The device was asked for ${use.command} with key ${objectName(use.objectId)}, which this station never does${use.result === 'failed' ? ', and failed' : ''}: ${deviceEntries([stored])}. The session was opened with authentication key ${objectName(stored.entry.sessionKey)}. Find out who used the device, and take from the key what it is not meant for.`,
      ),
    )
  const signatures = foreign.filter(({ use }) => use.signs)
  return [...Map.groupBy(signatures, ({ use }) => use.objectId)].map(([unknown, sides]) => {
    const stored = sides.map((side) => side.stored)
    return deviceFinding(
      serial,
      'use-of-unknown-key',
      { places: stored.map(({ place }) => place), key: stored[0]?.place ?? 0 },
      `The device was asked to sign with key ${objectName(unknown)}, which is not registered here, by a command that this station never sends: ${deviceEntries(stored)}. Find out who used the device. A device that others use as well cannot be matched.`,
    )
  })
}

function names(objectIds: readonly number[]): string {
  return [...new Set(objectIds)].map(objectName).join(', ')
}

function partition<T>(list: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [list.filter(test), list.filter((item) => !test(item))]
}

function ascending(numbers: readonly number[]): readonly number[] {
  return numbers.toSorted((a, b) => a - b)
}
