import { type KeyboardEvent, type MouseEvent, memo, type ReactNode, useEffect, useId, useState } from 'react'
import { useRows } from './use-rows.ts'
import './virtual-grid.css'

export type Column<Row> = {
  readonly id: string
  readonly header: string
  readonly align?: 'end'
  readonly cell: (row: Row) => ReactNode
}

const headHeight = 34
const borders = 2

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
  const [active, setActive] = useState(0)
  const current = Math.min(active, Math.max(0, rows.length - 1))
  const { scroller, first, end, height, topOf, keyOf, show } = useRows(rows.length, rowHeight, headHeight)
  useEffect(() => {
    if (rows.length > 0 && end > rows.length - 40) onNearEnd()
  }, [end, rows.length, onNearEnd])

  function move(to: number) {
    const next = Math.max(0, Math.min(rows.length - 1, to))
    setActive(next)
    show(next)
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

  // One for all rows: a row that knew what to do would be drawn anew whenever that is another function.
  function click(event: MouseEvent) {
    const element = event.target instanceof Element ? event.target.closest('[role="row"]') : null
    const index = Number(element?.getAttribute('aria-rowindex')) - 2
    const row = rows[index]
    if (row === undefined) return
    setActive(index)
    if (onOpen !== null) onOpen(row)
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
      style={{ height: height + headHeight + borders }}
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
      {/* The keyboard reaches the rows through the grid, which has the focus. */}
      <div role="rowgroup" className="vgrid-body" style={{ height }} onClick={click}>
        {rows.slice(first, end).map((row, offset) => {
          const index = first + offset
          return (
            <GridRow
              key={keyOf(index)}
              id={`${id}-${index}`}
              index={index}
              className={`vgrid-row ${layout}${index === current ? ' vgrid-active' : ''}${onOpen === null ? '' : ' vgrid-openable'}`}
              top={topOf(index)}
              height={rowHeight}
              selected={selectedKey === null ? undefined : selectedKey === rowKey(row)}
              columns={columns}
              row={row}
            />
          )
        })}
      </div>
    </div>
  )
}

function Row<R>({
  id,
  index,
  className,
  top,
  height,
  selected,
  columns,
  row,
}: {
  readonly id: string
  readonly index: number
  readonly className: string
  readonly top: number
  readonly height: number
  readonly selected: boolean | undefined
  readonly columns: readonly Column<R>[]
  readonly row: R
}) {
  return (
    <div
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      className={className}
      style={{ top, height }}
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
}

/** A row that stays is not drawn again while others come and go. */
const GridRow = memo(Row) as typeof Row
