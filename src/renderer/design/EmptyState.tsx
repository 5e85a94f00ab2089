import type { ReactNode } from 'react'
import './empty-state.css'

/** What there would be here, why there is nothing, and what to do. */
export function EmptyState({
  title,
  children,
  actions,
}: {
  readonly title: string
  readonly children?: ReactNode
  readonly actions?: ReactNode
}) {
  return (
    <div className="empty">
      <h2 className="empty-title">{title}</h2>
      {children === undefined ? null : <div className="empty-text">{children}</div>}
      {actions === undefined ? null : <div className="row">{actions}</div>}
    </div>
  )
}
