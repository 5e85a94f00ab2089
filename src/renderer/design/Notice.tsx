import type { ReactNode } from 'react'
import type { Failure, FailureKind } from '../../shared/failure.ts'
import { UntrustedText } from '../parts/UntrustedText.tsx'
import type { Tone } from './Badge.tsx'
import { Icon, type IconName } from './Icon.tsx'
import './notice.css'

const icons: Record<Exclude<Tone, 'accent'>, IconName> = {
  neutral: 'not-applicable',
  passed: 'passed',
  attention: 'attention',
  refused: 'refused',
  unknown: 'unknown',
}

/** A block that says one thing about the page; `live` has it read out when it appears. */
export function Notice({
  tone = 'neutral',
  title,
  children,
  actions,
  live = false,
}: {
  readonly tone?: Exclude<Tone, 'accent'>
  readonly title?: ReactNode
  readonly children?: ReactNode
  readonly actions?: ReactNode
  readonly live?: boolean
}) {
  return (
    <div className={`notice notice-${tone}`} role={live ? 'alert' : undefined}>
      <span className="notice-icon">
        <Icon name={icons[tone]} />
      </span>
      <div className="notice-body">
        {title === undefined ? null : <p className="notice-title">{title}</p>}
        {children === undefined ? null : <div className="notice-text">{children}</div>}
        {actions === undefined ? null : <div className="row notice-actions">{actions}</div>}
      </div>
    </div>
  )
}

const kindTitles: Record<FailureKind, string> = {
  invalid: 'This cannot be right',
  refused: 'A rule forbids this',
  unavailable: 'Not available now',
  defect: 'The program made a mistake',
}

/** What happened, what was kept, what to do; the code is there for the one who reads the log. */
export function FailureNotice({
  failure,
  title,
  actions,
}: {
  readonly failure: Failure
  readonly title?: string
  readonly actions?: ReactNode
}) {
  return (
    <Notice
      tone={failure.kind === 'unavailable' ? 'attention' : 'refused'}
      title={title ?? kindTitles[failure.kind]}
      actions={actions}
      live
    >
      <UntrustedText text={failure.message} />
      <p className="small muted">
        <code>{failure.code}</code>
        {failure.detail === undefined ? null : (
          <>
            {' · '}
            <code>
              <UntrustedText text={failure.detail} />
            </code>
          </>
        )}
      </p>
    </Notice>
  )
}
