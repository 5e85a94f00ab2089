import { KeyKindBadge } from '../../design/Badge.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { plainNumber } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { kindClass } from './KeyList.tsx'
import { keyLabel } from './key-numbers.ts'
import type { KeyViews } from './key-view.ts'
import './key-section.css'

/** Where several keys sign: all that is known of each, in the order of their signatures. */
export function KeySection({ keys, words }: { readonly keys: KeyViews; readonly words: boolean }) {
  return (
    <section className="section" aria-labelledby="sheet-keys">
      <h2 id="sheet-keys">
        Keys that sign <span className="muted small">{plainNumber(keys.length)}</span>
      </h2>
      <ol className="stack">
        {keys.map((key) => (
          <li key={key.number} className={`card key-card ${kindClass(key.production)}`}>
            <div className="key-section-head">
              <h3>
                <span className="key-number">{keyLabel(key)}</span>{' '}
                <span className="key-section-name">
                  {key.description === null ? (
                    'Not registered at this station'
                  ) : (
                    <UntrustedText text={key.description} />
                  )}
                </span>
              </h3>
              {key.production === null ? null : <KeyKindBadge production={key.production} />}
            </div>
            <FactList facts={key.facts} words={words} />
          </li>
        ))}
      </ol>
    </section>
  )
}
