import { Digest } from '../design/Digest.tsx'
import { Icon } from '../design/Icon.tsx'
import { assuranceWords, type Fact, type FactValue } from './fact.ts'
import { Timestamp } from './Timestamp.tsx'
import { UntrustedText } from './UntrustedText.tsx'
import './fact-list.css'

/** Facts as term, value, and what the value is worth. */
export function FactList({
  facts,
  words = false,
  compact = false,
}: {
  readonly facts: readonly Fact[]
  readonly words?: boolean
  readonly compact?: boolean
}) {
  return (
    <dl className={compact ? 'facts facts-compact' : 'facts'}>
      {facts.map((fact) => (
        <div key={fact.id} className="fact">
          <dt className="fact-label">
            <UntrustedText text={fact.label} />
          </dt>
          <dd className="fact-value">
            <FactContent value={fact.value} words={words} />
          </dd>
          <dd className="fact-worth">
            <AssuranceMark fact={fact} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Filled tick: the station knows. Open dot: somebody says. Question mark: nobody could tell. */
export function AssuranceMark({ fact }: { readonly fact: Pick<Fact, 'source' | 'assurance'> }) {
  return (
    <span className={`worth worth-${fact.assurance}`}>
      {fact.assurance === 'claimed' ? (
        <span className="worth-dot" />
      ) : (
        <Icon name={fact.assurance === 'verified' ? 'passed' : 'unknown'} size={12} />
      )}
      {assuranceWords(fact)}
    </span>
  )
}

function FactContent({ value, words }: { readonly value: FactValue; readonly words: boolean }) {
  switch (value.kind) {
    case 'text':
      return <UntrustedText text={value.text} />
    case 'name':
      return <UntrustedText text={value.text} exact />
    case 'lines':
      return <UntrustedText text={value.text} multiline />
    case 'digest':
      return <Digest hex={value.hex} words={words} />
    case 'time':
      return <Timestamp iso={value.iso} />
  }
}
