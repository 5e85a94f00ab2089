import { useState } from 'react'
import type { RequestDetail } from '../../../shared/request.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Switch } from '../../design/Choice.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { plainNumber } from '../../parts/format.ts'
import { hexGroups } from '../../parts/proquint.ts'
import { FileRow } from './FileRow.tsx'
import { isOver } from './key-outcome-view.ts'
import type { ArtifactView, SheetView, TrustedCertsView } from './sheet-view.ts'
import { TaskOverview } from './TaskOverview.tsx'
import './artifacts.css'

/** With so few files each is open from the start. */
const openUpTo = 2

type ArtifactsProps = {
  readonly view: SheetView
  readonly detail: RequestDetail
  /** How many files are on the page so far, counted through all artifacts. */
  readonly shownFiles: number
  readonly words: boolean
  readonly onWords: (words: boolean) => void
}

export function Artifacts({ view, detail, shownFiles, words, onWords }: ArtifactsProps) {
  const [open, setOpen] = useState<ReadonlySet<number>>(
    () =>
      new Set(
        view.fileCount <= openUpTo
          ? view.artifacts.flatMap((artifact) => artifact.files.map((file) => file.ordinal))
          : [],
      ),
  )
  const all = view.artifacts.flatMap((artifact) => artifact.files)
  const allOpen = open.size === all.length
  const states = new Map(detail.files.map((file) => [file.ordinal, file]))
  const keyNames = view.keys.map(({ description }) => description)
  const over = isOver(detail)
  return (
    <section className="section" aria-labelledby="sheet-files">
      <div className="row">
        <h2 id="sheet-files">
          Files <span className="muted small">{plainNumber(view.fileCount)}</span>
        </h2>
        <span className="grow" />
        <Switch isSelected={words} onChange={onWords}>
          <span className="small">Words for digests</span>
        </Switch>
        <Button
          size="s"
          variant="quiet"
          onPress={() => setOpen(allOpen ? new Set() : new Set(all.map((file) => file.ordinal)))}
        >
          {allOpen ? 'Close all' : 'Open all'}
        </Button>
      </div>
      {view.artifacts.map((artifact) => (
        <div key={artifact.artifactId} className="card artifact">
          <ArtifactHead artifact={artifact} />
          <ul className="files">
            {artifact.files
              .filter((file) => all.indexOf(file) < shownFiles)
              .map((file) => (
                <FileRow
                  key={file.ordinal}
                  file={file}
                  state={
                    states.get(file.ordinal) ?? { ordinal: file.ordinal, path: file.path, outcome: { kind: 'waiting' } }
                  }
                  over={over}
                  keyNames={keyNames}
                  words={words}
                  isOpen={open.has(file.ordinal)}
                  onOpenChange={(isOpen) => {
                    const next = new Set(open)
                    if (isOpen) next.add(file.ordinal)
                    else next.delete(file.ordinal)
                    setOpen(next)
                  }}
                />
              ))}
          </ul>
        </div>
      ))}
    </section>
  )
}

function ArtifactHead({ artifact }: { readonly artifact: ArtifactView }) {
  return (
    <div className="artifact-head">
      <h3>{artifact.heading}</h3>
      <FactList facts={artifact.facts} />
      {artifact.task === null ? null : <TaskOverview view={artifact.task} />}
      {artifact.trustedCerts === null ? null : <TrustedCerts view={artifact.trustedCerts} />}
    </div>
  )
}

function TrustedCerts({ view }: { readonly view: TrustedCertsView }) {
  return (
    <div className="trusted">
      <div className="fact">
        <span className="fact-label">Files will trust</span>
        <span>
          <Badge tone={view.tone}>{view.heading}</Badge> <span className="small muted">{view.sentence}</span>
        </span>
        <span />
      </div>
      {view.certificates.length === 0 ? null : (
        <ul className="trusted-list">
          {view.certificates.map((certificate, index) => (
            <li key={index} className="trusted-row">
              <Badge tone={certificate.trusted ? 'passed' : 'refused'} plain>
                {certificate.trusted ? 'on the list' : 'not on the list'}
              </Badge>
              <span className="mono small trusted-hex">
                {hexGroups(certificate.fingerprint.toLowerCase()).join(' ')}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
