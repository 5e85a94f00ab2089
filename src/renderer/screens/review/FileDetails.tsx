import type { ReactNode } from 'react'
import { Badge } from '../../design/Badge.tsx'
import { Digest, ShortDigest } from '../../design/Digest.tsx'
import { Notice } from '../../design/Notice.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import type { CertificateView, FileView } from './file-view.ts'
import './file-details.css'

/** What the file says about itself: SBAT, texts, certificates, signatures, sections. Its claims, on bytes that are verified. */
export function FileDetails({ file, words }: { readonly file: FileView; readonly words: boolean }) {
  return (
    <div className="details">
      {file.signedBefore === null ? null : (
        <Detail title={file.signedBefore.title} source="station">
          <ul>
            {file.signedBefore.lines.map((before) => (
              <li key={before}>{before}</li>
            ))}
          </ul>
        </Detail>
      )}
      <Sbat file={file} />
      {file.texts.map((text) => (
        <Detail key={text.section} title={text.section} source="file">
          <pre className="text-block">
            <UntrustedText text={text.text} multiline />
          </pre>
          {text.cut ? <p className="small muted">Cut here; the file has more.</p> : null}
        </Detail>
      ))}
      <Certificates
        title="Certificates that the file will trust (.vendor_cert)"
        certificates={file.vendorCertificates}
        words={words}
      />
      <Certificates title="Certificates found in the bytes" certificates={file.embeddedCertificates} words={words} />
      {file.signatures.length === 0 ? null : (
        <Detail title="Signatures that the file has already" source="station">
          <ul className="stack">
            {file.signatures.map((signature, index) => (
              <li key={index}>
                <Badge tone={signature.matches ? 'neutral' : 'refused'}>
                  {signature.matches ? 'Matches the file' : 'Does not match'}
                </Badge>{' '}
                <UntrustedText text={signature.signer} exact />
                <p className="small muted">{signature.sentence}</p>
                <Digest hex={signature.digest} words={words} />
              </li>
            ))}
          </ul>
        </Detail>
      )}
      <Sections file={file} />
    </div>
  )
}

function Detail({
  title,
  source,
  children,
}: {
  readonly title: string
  readonly source: 'file' | 'station'
  readonly children: ReactNode
}) {
  return (
    <div className="detail">
      <h5 className="detail-title">
        <UntrustedText text={title} />{' '}
        <span className={source === 'station' ? 'worth worth-verified' : 'worth'}>
          {source === 'station' ? 'Verified here' : 'File says'}
        </span>
      </h5>
      {children}
    </div>
  )
}

function Sbat({ file }: { readonly file: FileView }) {
  if (file.sbatProblem !== null) {
    return (
      <Detail title="SBAT" source="station">
        <Notice tone="attention">
          <UntrustedText text={file.sbatProblem} />
        </Notice>
      </Detail>
    )
  }
  if (file.sbat === null) return null
  return (
    <Detail title="SBAT" source="file">
      <table className="data-table">
        <thead>
          <tr>
            <th scope="col">Component</th>
            <th scope="col" className="numeric">
              Generation
            </th>
            <th scope="col">Vendor</th>
            <th scope="col">Package</th>
            <th scope="col">Version</th>
          </tr>
        </thead>
        <tbody>
          {file.sbat.map((row, index) => (
            <tr key={index}>
              <th scope="row">
                <UntrustedText text={row.component} exact />
              </th>
              <td className="numeric">{row.generation}</td>
              <td>
                <UntrustedText text={row.vendor} />
              </td>
              <td>
                <UntrustedText text={row.package} exact />
              </td>
              <td>
                <UntrustedText text={row.version} exact />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Detail>
  )
}

function Certificates({
  title,
  certificates,
  words,
}: {
  readonly title: string
  readonly certificates: readonly CertificateView[]
  readonly words: boolean
}) {
  if (certificates.length === 0) return null
  return (
    <Detail title={title} source="file">
      <ul className="stack">
        {certificates.map((certificate, index) => (
          <li key={index}>
            <p>
              <UntrustedText text={certificate.subject} exact />
            </p>
            <p className="small muted">
              Issued by <UntrustedText text={certificate.issuer} exact />, {certificate.validity}, {certificate.note};
              in <UntrustedText text={certificate.where} exact />
            </p>
            <Digest hex={certificate.sha256} words={words} />
          </li>
        ))}
      </ul>
    </Detail>
  )
}

function Sections({ file }: { readonly file: FileView }) {
  if (file.sections.length === 0) return null
  return (
    <Detail title={`Sections (${file.sections.length})`} source="station">
      <table className="data-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="numeric">
              Offset
            </th>
            <th scope="col" className="numeric">
              Size
            </th>
            <th scope="col">SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {file.sections.map((section, index) => (
            <tr key={index}>
              <th scope="row" className="mono">
                <UntrustedText text={section.name} exact />
              </th>
              <td className="numeric mono">{section.offset}</td>
              <td className="numeric">{section.size}</td>
              <td>
                {section.sha256 === null ? (
                  <span className="muted">not computed</span>
                ) : (
                  <ShortDigest hex={section.sha256} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Detail>
  )
}
