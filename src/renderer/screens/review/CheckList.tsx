import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components'
import type { CheckOutcome } from '../../../shared/check.ts'
import { Badge } from '../../design/Badge.tsx'
import { Icon } from '../../design/Icon.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { checkOutcomeWords } from '../../parts/wording.ts'
import type { CheckView } from './sheet-view.ts'
import './disclosure.css'
import './check-list.css'

/** Rows of evidence that are in sight without scrolling, however many lines they take. */
const shortEvidence = 3

const order: readonly CheckOutcome[] = ['refused', 'unknown', 'attention', 'passed', 'not-applicable']

/** The checks in the order in which they were made; what is not plainly good is open from the start. */
export function CheckList({
  checks,
  counts,
}: {
  readonly checks: readonly CheckView[]
  readonly counts: Readonly<Record<CheckOutcome, number>>
}) {
  return (
    <section className="section" aria-labelledby="sheet-checks">
      <h2 id="sheet-checks">
        Checks{' '}
        <span className="check-counts">
          {order
            .filter((outcome) => counts[outcome] > 0)
            .map((outcome) => (
              <Badge key={outcome} plain tone={checkOutcomeWords[outcome].tone}>
                {counts[outcome]} {checkOutcomeWords[outcome].text.toLowerCase()}
              </Badge>
            ))}
        </span>
      </h2>
      <div className="card checks">
        {checks.map((check) => (
          <CheckRow key={check.id} check={check} />
        ))}
      </div>
    </section>
  )
}

function CheckRow({ check }: { readonly check: CheckView }) {
  const words = checkOutcomeWords[check.outcome]
  const line = (
    <>
      <span className={`check-icon tone-${words.tone}`}>
        <Icon name={check.outcome} />
      </span>
      <span className="check-question">{check.question}</span>
      <span className="check-sentence">
        <UntrustedText text={check.sentence} />
      </span>
      <span className={`check-outcome tone-${words.tone}`}>{words.text}</span>
    </>
  )
  if (check.evidence.length === 0) {
    return (
      <div className={`check check-${check.outcome}`}>
        <div className="check-line">
          <span />
          {line}
        </div>
      </div>
    )
  }
  return (
    <Disclosure
      className={`check check-${check.outcome}`}
      defaultExpanded={check.blocks || check.outcome === 'attention'}
    >
      <Heading level={3} className="check-heading">
        <Button slot="trigger" className="check-line">
          <span className="check-chevron">
            <Icon name="chevron" size={12} />
          </span>
          {line}
        </Button>
      </Heading>
      <DisclosurePanel className="check-panel">
        {/* Scrolls on its own where it is long, so the keyboard has to reach it. */}
        <ul
          className="evidence"
          {...(check.evidence.length > shortEvidence
            ? { tabIndex: 0, 'aria-label': `Evidence: ${check.question}` }
            : {})}
        >
          {check.evidence.map((item, index) => (
            <li key={index} className="evidence-row">
              <span className={`tone-${checkOutcomeWords[item.outcome].tone}`}>
                <Icon name={item.outcome} size={12} />
                <span className="visually-hidden">{checkOutcomeWords[item.outcome].text}</span>
              </span>
              <UntrustedText text={item.subject} exact />
              <UntrustedText text={item.found} />
              <span className="worth">from {item.source}</span>
            </li>
          ))}
        </ul>
      </DisclosurePanel>
    </Disclosure>
  )
}
