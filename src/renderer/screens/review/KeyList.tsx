import { KeyKindBadge } from '../../design/Badge.tsx'
import { ShortDigest } from '../../design/Digest.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { keyLabel } from './key-numbers.ts'
import type { KeyView } from './key-view.ts'
import './key-list.css'

/** All keys that sign, in order, in two or three lines each. */
export function KeyList({ keys }: { readonly keys: readonly KeyView[] }) {
  return (
    <ol className="key-list">
      {keys.map((key) => (
        <li key={key.number} className={`key-item ${kindClass(key.production)}`}>
          <span className="key-number">{keyLabel(key)}</span>
          <span className="key-item-kind">
            {key.production === null ? null : <KeyKindBadge production={key.production} />}
          </span>
          <span className="key-item-name">
            {key.description === null ? 'Not registered at this station' : <UntrustedText text={key.description} />}
          </span>
          <span className="key-item-place">
            {key.place === null ? null : <UntrustedText text={key.place} exact />}
            <ShortDigest hex={key.fingerprint} />
          </span>
        </li>
      ))}
    </ol>
  )
}

/** A production key and a test key differ by their edge, too, and one that is not registered by its colour. */
export function kindClass(production: boolean | null): string {
  if (production === null) return 'key-unknown'
  return production ? 'key-production' : 'key-test'
}
