/** Times as the server writes them: UTC, microseconds, strictly increasing, because lists are paged by creation time. */
export interface ServerClock {
  now(): string
}

export function createServerClock(milliseconds: () => number): ServerClock {
  let last = 0
  return {
    now() {
      last = Math.max(last + 1, Math.round(milliseconds() * 1000))
      const iso = new Date(Math.floor(last / 1000)).toISOString()
      return `${iso.slice(0, -1)}${String(last % 1000).padStart(3, '0')}Z`
    },
  }
}

/** Seconds between two server times, with microseconds. */
export function secondsBetween(from: string, to: string): number {
  return Math.round((microseconds(to) - microseconds(from)) / 1) / 1_000_000
}

function microseconds(time: string): number {
  return Date.parse(`${time.slice(0, 23)}Z`) * 1000 + Number(time.slice(23, 26))
}

export function daysLater(time: string, days: number): string {
  const later = new Date(Date.parse(`${time.slice(0, 23)}Z`) + days * 86_400_000).toISOString()
  return `${later.slice(0, -1)}${time.slice(23, 26)}Z`
}
