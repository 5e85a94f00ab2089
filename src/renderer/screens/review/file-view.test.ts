import { describe, expect, it } from 'vitest'
import type { WorkRequestId } from '../../../shared/ids.ts'
import { hexOf, requestIdOf, sampleCertificate, sampleFile, samplePe } from '../../testing/sample-data.ts'
import { fileView } from './file-view.ts'

describe('one file of the sheet', () => {
  it('gives what the station computed as verified and what the file says as a claim', () => {
    const view = fileView(sampleFile(0, { facts: samplePe({ innerKernelSha256: hexOf('inner'), vendorDbxBytes: 0 }) }))
    expect(view.facts.map(({ id, source, assurance }) => `${id}: ${source} ${assurance}`)).toEqual([
      'to-be-signed: station verified',
      'sha256: station verified',
      'size: station verified',
      'role: file claimed',
      'kernel-version: file claimed',
      'inner-kernel: station verified',
      'vendor-dbx: file claimed',
    ])
  })

  it('shows first the digest that the key will sign, whole', () => {
    const [first] = fileView(sampleFile(0)).facts
    expect(first).toMatchObject({
      label: 'Will be signed: Authenticode SHA-256',
      value: { kind: 'digest', hex: sampleFile(0).toBeSigned?.digest },
    })
  })

  it('takes the version from the kernel, else from the first SBAT row that is a program', () => {
    expect(fileView(sampleFile(0)).version).toBe('6.12.57+deb13-amd64')
    expect(fileView(sampleFile(0, { facts: samplePe({ kernelVersion: null }) })).version).toBe('6.12.57')
    expect(fileView(sampleFile(0, { facts: samplePe({ kernelVersion: null, sbat: null }) })).version).toBeNull()
  })

  it('says plainly when a file cannot be explained', () => {
    const view = fileView(
      sampleFile(0, { facts: { kind: 'opaque', reason: 'it does not begin with MZ.', firstBytesHex: '7f454c46' } }),
    )
    expect(view).toMatchObject({
      what: 'Not explained',
      blind: 'it does not begin with MZ.',
      flags: [{ tone: 'attention', text: 'Blind' }],
    })
  })

  it('says that nothing is signed for a file without a digest, and why it is skipped', () => {
    expect(fileView(sampleFile(0, { toBeSigned: null })).facts[0]?.value).toEqual({
      kind: 'text',
      text: 'Nothing: no signature can be made for this file',
    })
    const skipped = fileView(sampleFile(0, { toBeSigned: null, disposition: 'skip' }))
    expect(skipped.facts[0]?.value).toEqual({ kind: 'text', text: 'Nothing: this file is skipped, and reported so' })
    expect(skipped.flags).toContainEqual({ tone: 'neutral', text: 'Skipped' })
  })

  it('flags faults, certificates, an alien signature, what is not shown, and earlier signatures', () => {
    const view = fileView(
      sampleFile(0, {
        facts: samplePe({
          layoutFaults: [{ code: 'sections-overlap', message: 'x' }],
          sbatProblem: 'no CSV',
          incomplete: ['More than 64 certificates.'],
          vendorCertificates: [{ where: '.vendor_cert', offset: 16, certificate: sampleCertificate() }],
          existingSignatures: [
            {
              signer: null,
              issuerName: 'CN=Somebody',
              digest: hexOf('a'),
              digestAlgorithm: 'sha256',
              matchesFile: false,
            },
          ],
        }),
        signedBefore: [{ at: '2026-10-01T00:00:00.000Z', requestId: requestIdOf(9), workRequest: 77 as WorkRequestId }],
      }),
    )
    expect(view.flags.map((flag) => `${flag.tone}: ${flag.text}`)).toEqual([
      'refused: 1 layout fault',
      'attention: Not all shown',
      'attention: SBAT',
      'refused: Bad signature inside',
      'neutral: 1 certificate',
      'attention: Signed before',
    ])
    expect(view.signedBefore?.lines).toEqual(['2026-10-01 00:00:00 UTC, work request 77'])
    expect(view.signatures).toMatchObject([{ signer: 'CN=Somebody', matches: false }])
  })

  it('does not say who made a signature that only matches the bytes', () => {
    const pe = samplePe({
      existingSignatures: [
        {
          signer: sampleCertificate(),
          issuerName: 'x',
          digest: hexOf('a'),
          digestAlgorithm: 'sha256',
          matchesFile: true,
        },
      ],
    })
    expect(fileView(sampleFile(0, { facts: pe })).signatures[0]?.sentence).toContain('Who made it was not checked')
  })
})
