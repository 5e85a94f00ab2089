import { useEffect, useState } from 'react'
import { Button } from '../design/Button.tsx'

const shownMs = 4_000

/** Puts a text on the clipboard. The window may not read what is there, and asks for no right to. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [result, setResult] = useState<'copied' | 'failed' | null>(null)
  useEffect(() => {
    if (result === null) return undefined
    const timer = setTimeout(() => setResult(null), shownMs)
    return () => clearTimeout(timer)
  }, [result])
  return (
    <>
      <Button size="s" aria-label={`Copy ${what}`} onPress={() => setResult(copy(text) ? 'copied' : 'failed')}>
        {result === 'copied' ? 'Copied' : 'Copy'}
      </Button>
      <span className={result === 'failed' ? 'small' : 'visually-hidden'} role="status">
        {result === 'copied'
          ? `Copied ${what}.`
          : result === 'failed'
            ? 'It could not be copied. Select the text.'
            : ''}
      </span>
    </>
  )
}

/**
 * By way of a selection: the newer interface wants a permission, and this window is given none. The text lies in the page for this
 * moment alone.
 */
function copy(text: string): boolean {
  const focused = document.activeElement
  const area = document.createElement('textarea')
  area.className = 'visually-hidden'
  area.value = text
  // Inside the dialog if there is one: elsewhere the focus would be sent back at once.
  const home = focused?.closest('[role="dialog"], [role="alertdialog"]') ?? document.body
  home.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true })
  return copied
}
