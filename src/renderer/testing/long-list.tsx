import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { type Column, VirtualGrid } from '../design/VirtualGrid.tsx'
import '../design/tokens.css'
import '../design/base.css'
import '../app.css'
import '../screens/audit/audit.css'

/** The grid alone, with more rows than a fake station would hand out page by page: `long-list.html?rows=1000000`. */
const rows = Array.from(
  { length: Number(new URLSearchParams(location.search).get('rows') ?? 1_000_000) },
  (_, index) => index + 1,
)
const columns: readonly Column<number>[] = [
  { id: 'number', header: 'No.', align: 'end', cell: (row) => String(row) },
  { id: 'event', header: 'Event', cell: (row) => `event ${row}` },
  { id: 'what', header: 'What', cell: (row) => `what happened as number ${row}` },
]
const noMore = () => {}

function LongList() {
  const [opened, setOpened] = useState<number | null>(null)
  return (
    <div className="screen" style={{ height: '100%' }}>
      <div className="audit-list">
        <VirtualGrid
          label="Long list"
          layout="audit-grid-narrow"
          columns={columns}
          rows={rows}
          total={rows.length}
          rowHeight={36}
          rowKey={String}
          onOpen={setOpened}
          onNearEnd={noMore}
        />
        <output>{opened === null ? '' : `opened ${opened}`}</output>
      </div>
    </div>
  )
}

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
createRoot(root).render(
  <StrictMode>
    <LongList />
  </StrictMode>,
)
