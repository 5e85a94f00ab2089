import { Badge } from '../../design/Badge.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import type { KeyOutcomeView } from './key-outcome-view.ts'
import './signature-list.css'

/** How far the signature of each key is, in the order of the keys. `names`: the keys' descriptions, in that order; null: not known here. */
export function SignatureList({
  outcomes,
  names,
}: {
  readonly outcomes: readonly KeyOutcomeView[]
  readonly names: readonly (string | null)[]
}) {
  return (
    <ol className="signature-list" aria-label="Signatures by key">
      {outcomes.map(({ number, text, tone, detail }) => {
        const name = names[number - 1] ?? null
        return (
          <li key={number} className="signature-item">
            <span className="signature-number">Key {number}</span>
            <span className="signature-name">{name === null ? null : <UntrustedText text={name} />}</span>
            <Badge tone={tone}>{text}</Badge>
            {detail === null ? null : (
              <span className="signature-detail">
                <UntrustedText text={detail} />
              </span>
            )}
          </li>
        )
      })}
    </ol>
  )
}
