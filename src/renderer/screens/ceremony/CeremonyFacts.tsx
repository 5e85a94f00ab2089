import type { CeremonyFact } from '../../../shared/ceremony.ts'
import { digestGroups } from '../../../shared/ceremony-words.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'

/** What a step found out, as it is in the transcript. */
export function CeremonyFacts({ facts }: { readonly facts: readonly CeremonyFact[] }) {
  return (
    <dl className="ceremony-facts">
      {facts.map(({ label, form, value }, index) => (
        <div key={index} className="ceremony-fact">
          <dt>
            <UntrustedText text={label} />
          </dt>
          <dd className={form === 'digest' ? 'mono' : undefined}>
            <UntrustedText text={form === 'digest' ? digestGroups(value) : value} multiline={form === 'lines'} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
