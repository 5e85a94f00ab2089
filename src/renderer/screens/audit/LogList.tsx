import { useState } from 'react'
import type { AuditSeq } from '../../../shared/ids.ts'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { type Column, VirtualGrid } from '../../design/VirtualGrid.tsx'
import { plainNumber } from '../../parts/format.ts'
import type { AuditRowView } from './audit-view.ts'
import { type LogRows, logRowHeight, mostRows } from './use-log-rows.ts'

const nothing = () => {}

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
        <VirtualGrid
          key={rows.identity}
          label={label}
          layout={layout}
          columns={columns}
          rows={rows.rows}
          total={rows.total}
          rowHeight={logRowHeight}
          rowKey={(row) => String(row.seq)}
          selectedKey={open === null ? '' : String(open)}
          onOpen={(row) => onOpen(row.seq)}
          onNearEnd={nothing}
        />
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
