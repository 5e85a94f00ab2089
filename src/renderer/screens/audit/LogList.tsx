import { createContext, use, useEffect, useMemo, useState } from 'react'
import type { AuditSeq } from '../../../shared/ids.ts'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { type Column, VirtualGrid } from '../../design/VirtualGrid.tsx'
import { plainNumber } from '../../parts/format.ts'
import type { AuditRowView } from './audit-view.ts'
import { isUnread, type ListRow } from './list-rows.ts'
import { type LogRows, logRowHeight, mostRows } from './use-log-rows.ts'

const nothing = () => {}

/** Tells the list that the row of a place which was not fetched is drawn, and when it is gone. */
const UnreadContext = createContext<(index: number) => () => void>(() => nothing)

/** The list of a log of any length; what is not near is fetched when it comes into sight. */
export function LogList({
  rows,
  label,
  columns,
  layout,
  open,
  note,
  onOpen,
}: {
  readonly rows: LogRows
  readonly label: string
  readonly columns: readonly Column<AuditRowView>[]
  readonly layout: string
  readonly open: AuditSeq | null
  readonly note: string
  readonly onOpen: (seq: AuditSeq) => void
}) {
  const cells = useMemo(() => columns.map(readOrUnread), [columns])
  if (rows.kind === 'pending') return <p className="muted">Reading the log …</p>
  if (rows.kind === 'failed') return <FailureNotice failure={rows.failure} title="The log could not be read" />
  if (rows.total === 0)
    return (
      <div className="audit-list">
        <EmptyState title="No entry matches">
          The log has no such entry. Digests are found by their first eight digits or more.
        </EmptyState>
      </div>
    )
  return (
    <div className="audit-list">
      {rows.failure === null ? null : <FailureNotice failure={rows.failure} title="A part could not be read" />}
      <div className="audit-scroll" onScrollCapture={rows.onScroll}>
        <UnreadContext value={rows.onUnread}>
          <VirtualGrid
            key={rows.identity}
            label={label}
            layout={layout}
            columns={cells}
            rows={rows.rows}
            total={rows.total}
            rowHeight={logRowHeight}
            rowKey={(row) => (isUnread(row) ? `unread-${row.unread}` : String(row.seq))}
            selectedKey={open === null ? '' : String(open)}
            onOpen={(row) => {
              if (!isUnread(row)) onOpen(row.seq)
            }}
            onNearEnd={nothing}
          />
        </UnreadContext>
      </div>
      <div className="row audit-foot">
        <p className="small muted grow">
          {plainNumber(rows.total)} {rows.total === 1 ? 'entry' : 'entries'}. {open === null ? note : ''}
          {rows.total > mostRows
            ? ` The newest ${plainNumber(mostRows)} are listed; set “Until” to see older ones.`
            : ''}
        </p>
        <p role="status" className="row small">
          {rows.newer ? (
            <>
              Newer entries were written.
              <Button size="s" onPress={rows.showNewer}>
                Show them
              </Button>
            </>
          ) : null}
        </p>
        <GoToEntry onOpen={onOpen} />
      </div>
    </div>
  )
}

function readOrUnread(column: Column<AuditRowView>, index: number): Column<ListRow> {
  return {
    ...column,
    cell: (row) => (isUnread(row) ? index === 0 ? <UnreadMark index={row.unread} /> : null : column.cell(row)),
  }
}

function UnreadMark({ index }: { readonly index: number }) {
  const onUnread = use(UnreadContext)
  useEffect(() => onUnread(index), [index, onUnread])
  return <span className="muted">…</span>
}

function GoToEntry({ onOpen }: { readonly onOpen: (seq: AuditSeq) => void }) {
  const [text, setText] = useState('')
  const number = text.replaceAll(/[\s,.]/g, '')
  const seq = /^[1-9]\d{0,15}$/.test(number) && Number.isSafeInteger(Number(number)) ? Number(number) : null
  return (
    <label className="row small go-to-entry">
      Go to entry
      <input
        className="input"
        inputMode="numeric"
        autoComplete="off"
        maxLength={20}
        value={text}
        onChange={(change) => setText(change.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.repeat || seq === null) return
          setText('')
          onOpen(seq as AuditSeq)
        }}
      />
    </label>
  )
}
