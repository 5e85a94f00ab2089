/**
 * The rows of all pages that were fetched, as a screen shows them. Each page is worked out once, however many follow it: the rows of
 * a page that stays are the same objects, and are not drawn again.
 */
export function pageRows<Told, Row>(
  view: (told: Told) => Row,
): (pages: readonly { readonly rows: readonly Told[] }[]) => readonly Row[] {
  const known = new WeakMap<object, readonly Row[]>()
  return (pages) =>
    pages.flatMap((page) => {
      const before = known.get(page)
      if (before !== undefined) return before
      const rows = page.rows.map(view)
      known.set(page, rows)
      return rows
    })
}
