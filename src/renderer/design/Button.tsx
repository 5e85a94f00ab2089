import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components'
import { Icon, type IconName } from './Icon.tsx'
import './button.css'

export type ButtonProps = Omit<AriaButtonProps, 'className' | 'style' | 'children'> & {
  readonly variant?: 'primary' | 'plain' | 'quiet' | 'danger'
  readonly size?: 'm' | 's'
  readonly icon?: IconName
  readonly children: ReactNode
}

/** Never of type `submit`: no form of this program is sent by Enter in a field. */
export function Button({ variant = 'plain', size = 'm', icon, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} type="button" className={`button button-${variant} button-${size}`}>
      {icon === undefined ? null : <Icon name={icon} size={size === 's' ? 14 : 16} />}
      {children}
    </AriaButton>
  )
}
