import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components'
import { Badge } from '../../design/Badge.tsx'
import { Digest, ShortDigest } from '../../design/Digest.tsx'
import { Icon } from '../../design/Icon.tsx'
import { Notice } from '../../design/Notice.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { visibleString } from '../../parts/untrusted-text.ts'
import { FileDetails } from './FileDetails.tsx'
import type { FileView } from './file-view.ts'
import { type FileState, fileOutcomeView, keyOutcomes } from './key-outcome-view.ts'
import { SignatureList } from './SignatureList.tsx'
import './disclosure.css'
import './file-row.css'

type FileRowProps = {
  readonly file: FileView
  readonly state: FileState
  /** No more is signed for this request. */
  readonly over: boolean
  /** Descriptions of the keys, in order. */
  readonly keyNames: readonly (string | null)[]
  readonly words: boolean
  readonly isOpen: boolean
  readonly onOpenChange: (isOpen: boolean) => void
}

/** One file: its line, and below it all that is known. What was not opened yet is not built yet. */
export function FileRow({ file, state, over, keyNames, words, isOpen, onOpenChange }: FileRowProps) {
  const result = fileOutcomeView(state)
  const signatures = keyOutcomes(state, over)
  return (
    <li className="file">
      <Disclosure isExpanded={isOpen} onExpandedChange={onOpenChange}>
        <Heading level={4} className="check-heading">
          <Button slot="trigger" className="file-line">
            <span className="check-chevron">
              <Icon name="chevron" size={12} />
            </span>
            <span className="file-path" title={visibleString(file.path)}>
              <span className="mono">
                <UntrustedText text={file.name === '' ? file.path : file.name} exact truncate />
              </span>
              <span className="file-what">
                <UntrustedText
                  text={[file.version === null ? file.what : `${file.what} ${file.version}`, file.folder]
                    .filter(Boolean)
                    .join(' · ')}
                  truncate
                />
              </span>
            </span>
            <span className="file-size">{file.size}</span>
            <span className="file-digest">
              {file.toBeSignedHex === null ? '–' : <ShortDigest hex={file.toBeSignedHex} />}
            </span>
            <span className="file-flags">
              {result === null ? null : <Badge tone={result.tone}>{result.text}</Badge>}
              {file.flags.map((flag) => (
                <Badge key={flag.text} tone={flag.tone}>
                  {flag.text}
                </Badge>
              ))}
            </span>
          </Button>
        </Heading>
        <DisclosurePanel className="file-panel">
          {isOpen ? (
            <>
              {result === null || result.detail === null ? null : (
                <Notice tone="refused" title={result.text}>
                  <UntrustedText text={result.detail} />
                </Notice>
              )}
              {signatures.length === 0 || !isBegun(state, over) ? null : (
                <SignatureList outcomes={signatures} names={keyNames} />
              )}
              {result === null || result.outputSha256 === null ? null : (
                <div className="fact">
                  <span className="fact-label">Signed file, SHA-256</span>
                  <Digest hex={result.outputSha256} words={words} />
                </div>
              )}
              {file.blind === null ? null : (
                <Notice tone="attention" title="Blind signing">
                  The station cannot explain this file: <UntrustedText text={file.blind} /> Compare the digest below
                  with another source.
                </Notice>
              )}
              {file.incomplete.length === 0 ? null : (
                <Notice tone="attention" title="Not everything in this file is shown">
                  {file.incomplete.map((sentence) => (
                    <p key={sentence}>
                      <UntrustedText text={sentence} />
                    </p>
                  ))}
                </Notice>
              )}
              {file.faults.map((fault) => (
                <Notice key={fault.code} tone="refused" title="The layout has a fault: no signature may be made">
                  <UntrustedText text={fault.message} /> <code>{fault.code}</code>
                </Notice>
              ))}
              <div className="fact file-name">
                <span className="fact-label">Name</span>
                <span className="mono">
                  <UntrustedText text={file.path} exact />
                </span>
              </div>
              <FactList facts={file.facts} words={words} />
              <FileDetails file={file} words={words} />
            </>
          ) : null}
        </DisclosurePanel>
      </Disclosure>
    </li>
  )
}

/** Before the approval every key waits, and the list would say nothing. */
function isBegun({ outcome, further = [] }: FileState, over: boolean): boolean {
  return over || outcome.kind !== 'waiting' || further.some((each) => each.outcome.kind !== 'waiting')
}
