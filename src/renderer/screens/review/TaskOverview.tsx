import { Badge } from '../../design/Badge.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { UploadDocuments } from './UploadDocuments.tsx'
import type { ChangeRow, IndexView, UploadView } from './upload-view.ts'
import './task-overview.css'

/** An upload or a repository index as one thing: what it says, what is in it, and what is other than in the last one. */
export function TaskOverview({ view }: { readonly view: UploadView | IndexView }) {
  return (
    <div className="task-overview">
      <FactList facts={view.facts} />
      {view.kind === 'upload' ? <Packages view={view} /> : null}
      {view.kind === 'upload' && view.changes !== null ? (
        <section>
          <h4>Changes</h4>
          <pre className="text-block">
            <UntrustedText text={view.changes} multiline />
          </pre>
        </section>
      ) : null}
      <section>
        <h4>Since the last one</h4>
        <p>
          <UntrustedText text={view.since} />
        </p>
        <Changes rows={view.rows} />
        {view.kind === 'index' && view.more > 0 ? (
          <p className="muted small">{view.more} more are not listed.</p>
        ) : null}
      </section>
      {view.kind === 'upload' ? <UploadDocuments documents={view.documents} /> : null}
    </div>
  )
}

function Packages({ view }: { readonly view: UploadView }) {
  if (view.packages.length === 0) return <p className="muted">No binary packages.</p>
  return (
    <section>
      <h4>Packages ({view.packages.length})</h4>
      <table className="data-table">
        <thead>
          <tr>
            <th scope="col">Package</th>
            <th scope="col">Architecture</th>
            <th scope="col">Kind</th>
            <th scope="col" className="numeric">
              Size
            </th>
          </tr>
        </thead>
        <tbody>
          {view.packages.map((each, index) => (
            <tr key={index}>
              <th scope="row">
                <UntrustedText text={each.name} exact />
              </th>
              <td>{each.architecture}</td>
              <td>{each.kind}</td>
              <td className="numeric">{each.size}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const tones = { added: 'attention', removed: 'attention', changed: 'neutral' } as const

function Changes({ rows }: { readonly rows: readonly ChangeRow[] }) {
  if (rows.length === 0) return null
  return (
    <ul className="task-changes">
      {rows.map((row, index) => (
        <li key={index}>
          <Badge tone={tones[row.how]} plain>
            {row.how}
          </Badge>{' '}
          <span className="mono small">
            <UntrustedText text={row.name} exact />
          </span>{' '}
          <span className="small muted">
            <UntrustedText text={row.detail} />
          </span>
        </li>
      ))}
    </ul>
  )
}
