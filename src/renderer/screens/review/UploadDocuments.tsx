import { type ReactNode, useState } from 'react'
import { Button, Disclosure, DisclosurePanel } from 'react-aria-components'
import { Badge } from '../../design/Badge.tsx'
import { Digest, ShortDigest } from '../../design/Digest.tsx'
import { Icon } from '../../design/Icon.tsx'
import { Notice } from '../../design/Notice.tsx'
import { AssuranceMark } from '../../parts/FactList.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { visibleString } from '../../parts/untrusted-text.ts'
import type { DocumentView, FieldView, ListedView } from './document-view.ts'
import './disclosure.css'
import './upload-documents.css'

/** Each document that is signed, with every field of it that has no place of its own: a signature vouches for those as well. */
export function UploadDocuments({ documents }: { readonly documents: readonly DocumentView[] }) {
  return documents.map((document) => (
    <section key={document.path} className="document">
      <h4 className="detail-title">
        <span>
          <span className="muted">Also signed in</span>{' '}
          <span className="mono">
            <UntrustedText text={document.path} exact />
          </span>
        </span>
        <AssuranceMark fact={{ source: 'file', assurance: 'claimed' }} />
      </h4>
      <dl className="document-fields">
        {document.fields?.map((field, index) => (
          <div key={index} className="document-field">
            <dt className="mono small">
              <UntrustedText text={field.name} exact />
            </dt>
            <dd>
              <FieldValue field={field} document={document.path} />
            </dd>
          </div>
        ))}
        <div className="document-field">
          <dt className="small muted">Files that it lists</dt>
          <dd>
            <Listed document={document} />
          </dd>
        </div>
      </dl>
      {document.fields === null ? (
        <Notice tone="refused" title="Not every field of this document is on this sheet">
          An older version of this program made the sheet. Make the checks again.
        </Notice>
      ) : null}
    </section>
  ))
}

function FieldValue({ field, document }: { readonly field: FieldView; readonly document: string }) {
  return (
    <>
      {field.folded === null ? (
        <FieldText field={field} />
      ) : (
        <Folded
          about={`${visibleString(field.name)} of ${visibleString(document)}`}
          words={
            <>
              {field.folded}, SHA-256 <ShortDigest hex={field.sha256} />{' '}
              {field.cut === null ? null : <Badge tone="attention">Not all shown</Badge>}
            </>
          }
        >
          <div className="field-digest">
            <span className="small muted">SHA-256 of the value</span>
            <Digest hex={field.sha256} />
          </div>
          {field.cut === null ? null : (
            <Notice tone="attention" title="The end is cut off">
              {field.cut}
            </Notice>
          )}
          {/* Scrolls on its own, so the keyboard has to reach it. */}
          <ScrollingText field={field} document={document} />
        </Folded>
      )}
      {field.note === null ? null : <p className="small muted">{field.note}</p>}
    </>
  )
}

function FieldText({ field }: { readonly field: FieldView }) {
  if (field.value === '') return <span className="muted">empty</span>
  const text = <UntrustedText text={field.value} exact multiline />
  return field.value.includes('\n') ? <span className="mono small">{text}</span> : text
}

function ScrollingText({ field, document }: { readonly field: FieldView; readonly document: string }) {
  const label = `Value of ${visibleString(field.name)} in ${visibleString(document)}`
  return (
    <pre className="text-block" {...{ tabIndex: 0, role: 'group', 'aria-label': label }}>
      <UntrustedText text={field.value} exact multiline />
    </pre>
  )
}

/** What is not opened is not built: a field can have a quarter of a million letters. */
function Folded({
  about,
  words,
  children,
}: {
  readonly about: string
  readonly words: ReactNode
  readonly children: ReactNode
}) {
  const [isOpen, setOpen] = useState(false)
  return (
    <Disclosure isExpanded={isOpen} onExpandedChange={setOpen}>
      <div className="check-heading">
        <Button slot="trigger" className="fold-line">
          <span className="check-chevron">
            <Icon name="chevron" size={12} />
          </span>
          <span>
            <span className="visually-hidden">{about}: </span>
            {words}
          </span>
        </Button>
      </div>
      <DisclosurePanel className="fold-panel">{isOpen ? children : null}</DisclosurePanel>
    </Disclosure>
  )
}

function Listed({ document }: { readonly document: DocumentView }) {
  if (document.listed.length === 0) return <span className="muted">none</span>
  return (
    <Folded about={`Files that ${visibleString(document.path)} lists`} words={document.listedWords}>
      <ul className="listed">
        {document.listed.map((file, index) => (
          <ListedRow key={index} file={file} />
        ))}
      </ul>
    </Folded>
  )
}

function ListedRow({ file }: { readonly file: ListedView }) {
  return (
    <li>
      <span className="mono small">
        <UntrustedText text={file.name} exact />
      </span>{' '}
      {file.here ? null : <Badge tone="attention">Not in this upload</Badge>}
      <p className="small muted">
        {file.size}
        {file.section === '' ? null : (
          <>
            {', '}
            <UntrustedText text={file.section} exact />
          </>
        )}
        {file.sha256 === null ? null : (
          <>
            {', SHA-256 '}
            <ShortDigest hex={file.sha256} />
          </>
        )}
      </p>
    </li>
  )
}
