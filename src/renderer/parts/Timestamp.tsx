import { relative, utc } from './format.ts'
import { useNow } from './use-now.ts'

/** A time in UTC, with how long ago it was. `short` gives only the distance; the time is in the tooltip. */
export function Timestamp({ iso, short = false }: { readonly iso: string; readonly short?: boolean }) {
  const now = useNow()
  const distance = relative(iso, now)
  return (
    <time dateTime={iso} title={utc(iso)}>
      {short ? distance : utc(iso)}
      {short || distance === '' ? null : <span className="muted"> · {distance}</span>}
    </time>
  )
}
