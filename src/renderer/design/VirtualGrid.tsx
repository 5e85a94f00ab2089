import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import './virtual-grid.css'

export type Column<Row> = {
  readonly id: string
  readonly header: string
  readonly align?: 'end'
  readonly cell: (row: Row) => ReactNode
}

const headHeight = 34

/**
 * A list of any length of which only the rows in sight exist. Arrows, Page Up and Down, Home and End move, Enter opens: what a
 * screen reader hears is a grid whose active row is announced (ARIA grid with aria-activedescendant).
 */
export function VirtualGrid<Row>({
  label,
  layout,
  columns,
  rows,
  total,
  rowKey,
  onOpen,
  onNearEnd,
  rowHeight = 40,
  selectedKey = null,
}: {
  readonly label: string
  /** Class that sets `grid-template-columns` for header and rows. */
  readonly layout: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  /** Number of rows there are, of which `rows` are the first that were fetched. */
  readonly total: number
  readonly rowKey: (row: Row) => string
  readonly onOpen: ((row: Row) => void) | null
  readonly onNearEnd: () => void
  readonly rowHeight?: number
  readonly selectedKey?: string | null
}) {
  const id = useId()
  const scroller = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState(0)
  const current = Math.min(active, Math.max(0, rows.length - 1))
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    // The head sticks to the top of what scrolls.
    scrollMargin: headHeight,
    scrollPaddingStart: headHeight,
  })
  const items = virtualizer.getVirtualItems()
  const lastShown = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length > 0 && lastShown >= rows.length - 40) onNearEnd()
  }, [lastShown, rows.length, onNearEnd])

  function move(to: number) {
    const next = Math.max(0, Math.min(rows.length - 1, to))
    setActive(next)
    virtualizer.scrollToIndex(next)
  }

  function keyDown(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / rowHeight) - 1)
    const steps: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: rows.length - 1,
    }
    const to = steps[event.key]
    const row = rows[current]
    if (to !== undefined) move(to)
    else if (event.key === 'Enter' && !event.repeat && row !== undefined && onOpen !== null) onOpen(row)
    else return
    event.preventDefault()
  }

  return (
    <div
      className="vgrid"
      ref={scroller}
      role="grid"
      aria-label={label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length}
      aria-activedescendant={rows.length === 0 ? undefined : `${id}-${current}`}
      tabIndex={0}
      onKeyDown={keyDown}
    >
      <div role="rowgroup" className="vgrid-headgroup">
        <div role="row" aria-rowindex={1} className={`vgrid-head ${layout}`}>
          {columns.map((column) => (
            <span key={column.id} role="columnheader" className={column.align === 'end' ? 'vgrid-end' : undefined}>
              {column.header}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="vgrid-body" style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index]
          if (row === undefined) return null
          const key = rowKey(row)
          return (
            // The keyboard reaches the rows through the grid, which has the focus.
            <div
              key={key}
              id={`${id}-${item.index}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={selectedKey === null ? undefined : selectedKey === key}
              className={`vgrid-row ${layout}${item.index === current ? ' vgrid-active' : ''}${onOpen === null ? '' : ' vgrid-openable'}`}
              style={{ height: item.size, transform: `translateY(${item.start - headHeight}px)` }}
              onClick={() => {
                setActive(item.index)
                if (onOpen !== null) onOpen(row)
              }}
            >
              {columns.map((column) => (
                <span
                  key={column.id}
                  role="gridcell"
                  className={column.align === 'end' ? 'vgrid-cell vgrid-end' : 'vgrid-cell'}
                >
                  {column.cell(row)}
                </span>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}
