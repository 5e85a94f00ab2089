import { hexGroups, proquint } from '../parts/proquint.ts'
import './digest.css'

/**
 * A digest in groups of four hex digits, eight groups a line, so that two people can compare it aloud; with `words` each group
 * has its word under it. Selecting it copies the digits without the gaps.
 */
export function Digest({ hex, words = false }: { readonly hex: string; readonly words?: boolean }) {
  const lower = hex.toLowerCase()
  const groups = hexGroups(lower)
  return (
    <span className={words ? 'digest digest-words' : 'digest'}>
      {groups.map((group, index) => (
        <span key={index} className="digest-group">
          {group}
          {words && /^[0-9a-f]{4}$/.test(group) ? <span className="digest-word">{proquint(group)}</span> : null}
        </span>
      ))}
    </span>
  )
}

/** The first and last eight digits: enough to tell rows apart, never enough to compare. The whole is in the tooltip. */
export function ShortDigest({ hex }: { readonly hex: string }) {
  return (
    <span className="mono short-digest" title={hexGroups(hex).join(' ')}>
      {hex.slice(0, 8)}…{hex.slice(-8)}
    </span>
  )
}
