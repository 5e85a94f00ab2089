import type { ReactNode } from 'react'
import { Icon, type IconName } from './Icon.tsx'
import './badge.css'

export type Tone = 'neutral' | 'passed' | 'attention' | 'refused' | 'unknown' | 'accent'

const icons: Partial<Record<Tone, IconName>> = {
  passed: 'passed',
  attention: 'attention',
  refused: 'refused',
  unknown: 'unknown',
}

/** A state in one or two words; the icon repeats what the colour says. */
export function Badge({
  tone = 'neutral',
  plain = false,
  children,
}: {
  /** `foreign`: it is not this station's own. */
  readonly tone?: Tone | 'foreign'
  readonly plain?: boolean
  readonly children: ReactNode
}) {
  const icon = tone === 'foreign' ? undefined : icons[tone]
  return (
    <span className={`badge badge-${tone}${plain ? ' badge-plain' : ''}`}>
      {icon === undefined ? null : <Icon name={icon} size={12} />}
      {children}
    </span>
  )
}

/** A production key and a test key must not be mistaken for each other: filled against dashed, and the word. */
export function KeyKindBadge({ production }: { readonly production: boolean }) {
  return (
    <span className={production ? 'kind kind-production' : 'kind kind-test'}>{production ? 'Production' : 'Test'}</span>
  )
}
