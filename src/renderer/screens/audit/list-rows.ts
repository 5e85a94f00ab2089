import type { AuditRowView } from './audit-view.ts'

/** A place in the list whose entry was not fetched yet. */
export type Unread = { readonly unread: number }
export type ListRow = AuditRowView | Unread

export function isUnread(row: ListRow): row is Unread {
  return 'unread' in row
}

/**
 * As many rows as the log has, of which only those that were fetched are there: for the others the list is told their place when it
 * comes to draw them. A million real elements would be eight megabytes, to be copied with each page that comes.
 */
export function listRows(
  total: number,
  pages: ReadonlyMap<number, readonly AuditRowView[]>,
  pageSize: number,
): readonly ListRow[] {
  const unread = new Map<number, Unread>()
  function at(index: number): ListRow | undefined {
    if (index >= total) return undefined
    const row = pages.get(Math.floor(index / pageSize))?.[index % pageSize]
    if (row !== undefined) return row
    const known = unread.get(index) ?? { unread: index }
    unread.set(index, known)
    return known
  }
  return new Proxy<ListRow[]>([], {
    get(target, name) {
      if (name === 'length') return total
      const index = indexOf(name)
      return index === null ? Reflect.get(target, name) : at(index)
    },
    // For `slice`, which copies only what is there.
    has(target, name) {
      const index = indexOf(name)
      return index === null ? Reflect.has(target, name) : index < total
    },
  })
}

function indexOf(name: string | symbol): number | null {
  return typeof name === 'string' && /^\d{1,9}$/.test(name) ? Number(name) : null
}
