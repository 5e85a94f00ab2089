import { visibleParts, visibleString } from './untrusted-text.ts'
import './untrusted-text.css'

/**
 * Text that somebody else chose: a server, a file, a certificate, a token. Isolated from the text around it; what would be
 * invisible or would reorder is shown by its number. `exact` shows right-to-left letters in stored order (file names).
 */
export function UntrustedText({
  text,
  exact = false,
  truncate = false,
  multiline = false,
}: {
  readonly text: string
  readonly exact?: boolean
  readonly truncate?: boolean
  readonly multiline?: boolean
}) {
  const classes = [
    'untrusted',
    exact ? 'untrusted-exact' : '',
    truncate ? 'truncate' : '',
    multiline ? 'untrusted-lines' : '',
  ]
  return (
    <bdi
      dir={exact ? 'ltr' : 'auto'}
      className={classes.filter(Boolean).join(' ')}
      title={truncate ? visibleString(text) : undefined}
    >
      {visibleParts(text, { multiline }).map((part, index) =>
        part.kind === 'text' ? (
          part.text
        ) : (
          <span key={index} className="untrusted-mark" title={part.name}>
            <span aria-hidden="true">{part.code}</span>
            <span className="visually-hidden"> [{part.name}] </span>
          </span>
        ),
      )}
    </bdi>
  )
}
