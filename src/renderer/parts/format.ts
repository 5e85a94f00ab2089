const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const
const number = new Intl.NumberFormat('en')

export function count(value: number, one: string, many = `${one}s`): string {
  return `${number.format(value)} ${value === 1 ? one : many}`
}

export function plainNumber(value: number): string {
  return number.format(value)
}

/** `14,680,064 bytes (14.0 MiB)`: exact first, because sizes are compared. */
export function byteSize(bytes: number): string {
  const short = shortSize(bytes)
  return bytes < 1024 ? short : `${number.format(bytes)} bytes (${short})`
}

export function shortSize(bytes: number): string {
  if (bytes < 1024) return count(bytes, 'byte')
  let value = bytes
  let unit = -1
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value.toFixed(1)} ${units[unit] ?? ''}`
}

/** `2026-11-20 10:48:11 UTC`; a text that is not a time is given back as it is. */
export function utc(iso: string): string {
  const time = new Date(iso)
  return Number.isNaN(time.getTime()) ? iso : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** `3 min ago`, `in 84 days`; `now` is an argument. */
export function relative(iso: string, now: number): string {
  const time = new Date(iso).getTime()
  if (Number.isNaN(time)) return ''
  const distance = Math.abs(now - time)
  // `now` moves twice a minute, and the server's clock is another one.
  if (distance < minute || (time > now && distance < 2 * minute)) return 'just now'
  let amount: string
  if (distance < hour) amount = `${Math.floor(distance / minute)} min`
  else if (distance < 2 * day) amount = `${Math.floor(distance / hour)} h`
  else amount = `${number.format(Math.floor(distance / day))} days`
  return time > now ? `in ${amount}` : `${amount} ago`
}

/** Whole days from `now` to `iso`, negative when it has passed. */
export function daysUntil(iso: string, now: number): number {
  return Math.floor((new Date(iso).getTime() - now) / day)
}
