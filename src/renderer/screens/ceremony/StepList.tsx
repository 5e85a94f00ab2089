import { Badge } from '../../design/Badge.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import type { StepRow } from './ceremony-view.ts'

/** All steps: what is done, what is now, what comes. */
export function StepList({ rows }: { readonly rows: readonly StepRow[] }) {
  return (
    <ol className="ceremony-steps" aria-label="Steps">
      {rows.map(({ id, number, title, kind, place, badge, time }) => (
        <li
          key={id}
          className={`ceremony-row ceremony-row-${place}`}
          aria-current={place === 'now' ? 'step' : undefined}
        >
          <span className="ceremony-number" aria-hidden="true">
            {number}
          </span>
          <span className="ceremony-row-text">
            <span>
              <UntrustedText text={title} />
            </span>
            <span className="small muted">
              {kind} {time === '' ? null : <span className="ceremony-row-time">· {time}</span>}
            </span>
          </span>
          <Badge tone={badge.tone} plain>
            {badge.text}
          </Badge>
        </li>
      ))}
    </ol>
  )
}
