import { useQuery } from '@tanstack/react-query'
import type { AuditSource, ShownEvent } from '../../../shared/audit.ts'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { Select, type SelectOption } from '../../design/Select.tsx'
import { SearchBox } from '../../parts/SearchBox.tsx'
import { visibleString } from '../../parts/untrusted-text.ts'
import { purposeWords } from '../../parts/wording.ts'
import { type LogView, wholeLog } from '../../place.ts'
import { useStation } from '../../station/station-context.tsx'
import { keysQuery } from '../../station/station-queries.ts'
import { eventWords } from './event-words.ts'
import { isFiltered, type LogFilter } from './log-filter.ts'

const events = Object.entries(eventWords).map(([value, { text }]) => ({ value: value as ShownEvent, label: text }))
const purposes = Object.entries(purposeWords).map(([value, label]) => ({ value, label }))

/** Everything that the list can be narrowed by, in sight. */
export function FilterBar({
  source,
  view,
  problems,
  onChange,
}: {
  readonly source: AuditSource
  readonly view: LogView
  readonly problems: LogFilter['problems']
  readonly onChange: (view: LogView) => void
}) {
  const set = (part: Partial<LogView>) => onChange({ ...view, ...part })
  const keys = useKeys(source, view.fingerprint)
  return (
    <div className="log-filter" role="group" aria-label="Filter">
      <div className="log-filter-search">
        <SearchBox label="Digest, #work request, operator" value={view.search} onChange={(search) => set({ search })} />
      </div>
      <Select label="Event" all="All events" value={view.event} options={events} onChange={(event) => set({ event })} />
      <Select
        label="Key"
        all="All keys"
        value={view.fingerprint}
        options={keys}
        onChange={(fingerprint) => set({ fingerprint })}
      />
      <Select
        label="Purpose"
        all="All"
        value={view.purpose}
        options={purposes}
        onChange={(purpose) => set({ purpose })}
      />
      <Field
        label="From (UTC)"
        placeholder="2026-11-20"
        value={view.since}
        maxLength={30}
        problem={problems.since ?? null}
        onChange={(since) => set({ since })}
      />
      <Field
        label="Until (UTC)"
        placeholder="2026-11-20"
        value={view.until}
        maxLength={30}
        problem={problems.until ?? null}
        onChange={(until) => set({ until })}
      />
      <Button variant="quiet" isDisabled={!isFiltered(view)} onPress={() => onChange(wholeLog)}>
        Show all
      </Button>
    </div>
  )
}

/** The keys of this station by name. Of a foreign log only the one that was chosen at an entry is known. */
function useKeys(source: AuditSource, chosen: string | null): readonly SelectOption<string>[] {
  const station = useStation()
  const keys = useQuery({ ...keysQuery(station), enabled: source === 'station' })
  const known = (keys.data ?? []).map((key) => ({
    value: String(key.fingerprint),
    label: `${visibleString(key.description)} (${key.fingerprint.slice(0, 8)})`,
  }))
  return chosen === null || known.some((key) => key.value === chosen)
    ? known
    : [...known, { value: chosen, label: `${chosen.slice(0, 16)}…` }]
}
