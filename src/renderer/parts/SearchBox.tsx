import { useEffect, useRef } from 'react'
import { Input, SearchField } from 'react-aria-components'
import { Icon } from '../design/Icon.tsx'

/** Search of the list on this screen; `/` goes there, Escape empties it. */
export function SearchBox({
  label,
  value,
  onChange,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement
      if (event.key !== '/' || typing || event.ctrlKey || event.altKey || event.metaKey) return
      event.preventDefault()
      input.current?.focus()
    }
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
  return (
    <SearchField
      aria-label={label}
      className="search"
      value={value}
      onChange={onChange}
      maxLength={200}
      autoComplete="off"
      spellCheck="false"
    >
      <Icon name="search" />
      <Input ref={input} className="input" placeholder={label} />
    </SearchField>
  )
}
