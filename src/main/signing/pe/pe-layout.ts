import { type LayoutFault, layoutFault } from './layout-fault.ts'
import type { PeHeaders } from './pe-headers.ts'

/** Bytes `start` up to, not including, `end` of the file. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface PeLayout {
  /** In the order of their discovery; empty means that the image may be signed. */
  readonly faults: readonly LayoutFault[]
  /** What the Authenticode digest covers, section by section. */
  readonly walk: readonly ByteRange[]
  /** What it covers as the whole file without CheckSum, directory entry 4 and certificate table. */
  readonly flat: readonly ByteRange[]
  /** Where the certificate table is, or would go before padding. */
  readonly contentEnd: number
}

/**
 * Lays out what is hashed, in both forms that tools use (Windows Authenticode Portable Executable Signature Format, "Calculating the PE Image
 * Hash", and the whole-file form of osslsigncode). A malformed image makes them part; then two tools would mean different bytes by one
 * signature, so the image has a fault and is not signed.
 */
export function layOut(headers: PeHeaders): PeLayout {
  const { offset, size } = headers.certificateTable
  const contentEnd = size > 0 ? Math.min(offset, headers.fileSize) : headers.fileSize
  const walk = canonical(walkRanges(headers, contentEnd))
  const flat = canonical(holes(headers, { start: 0, end: contentEnd }))
  const faults = [...headerFaults(headers), ...sectionFaults(headers), ...tableFaults(headers)]
  // The comparison is what decides; the faults above say why, and name what the two forms happen to agree on.
  if (!sameRanges(walk, flat)) faults.push(layoutFault('digest-forms-differ'))
  return { faults, walk, flat, contentEnd }
}

function headerFaults(headers: PeHeaders): readonly LayoutFault[] {
  const faults: LayoutFault[] = []
  if (headers.directoryCount < 5) faults.push(layoutFault('too-few-directories'))
  if (headers.sizeOfHeaders < headers.headersEnd || headers.sizeOfHeaders > headers.fileSize)
    faults.push(layoutFault('headers-size-wrong'))
  return faults
}

function sectionFaults(headers: PeHeaders): readonly LayoutFault[] {
  const faults: LayoutFault[] = []
  const stored = headers.sections.filter((section) => section.rawSize > 0)
  const sorted = stored.toSorted((left, right) => left.offset - right.offset)
  if (stored.some((section) => section.offset + section.rawSize > headers.fileSize))
    faults.push(layoutFault('section-past-end'))
  if (stored.some((section, index) => section !== sorted[index])) faults.push(layoutFault('sections-out-of-order'))
  let end = headers.sizeOfHeaders
  let overlap = false
  let gap = false
  for (const section of sorted) {
    if (section.offset < end) overlap = true
    if (section.offset > end) gap = true
    end = Math.max(end, section.offset + section.rawSize)
  }
  if (overlap) faults.push(layoutFault('sections-overlap'))
  if (gap) faults.push(layoutFault('section-gap'))
  return faults
}

function tableFaults(headers: PeHeaders): readonly LayoutFault[] {
  const { offset, size } = headers.certificateTable
  if (offset === 0 && size === 0) return []
  if (offset === 0 || size === 0) return [layoutFault('certificate-table-nonsense')]
  const faults: LayoutFault[] = []
  const contentEnd = headers.sections.reduce(
    (end, section) => (section.rawSize > 0 ? Math.max(end, section.offset + section.rawSize) : end),
    headers.sizeOfHeaders,
  )
  if (offset % 8 !== 0) faults.push(layoutFault('certificate-table-misaligned'))
  if (offset < contentEnd) faults.push(layoutFault('certificate-table-overlaps'))
  if (offset + size > headers.fileSize) faults.push(layoutFault('certificate-table-past-end'))
  if (offset + size < headers.fileSize) faults.push(layoutFault('certificate-table-not-last'))
  return faults
}

function walkRanges(headers: PeHeaders, contentEnd: number): readonly ByteRange[] {
  const ranges = [...holes(headers, { start: 0, end: headers.sizeOfHeaders })]
  let end = headers.sizeOfHeaders
  for (const section of headers.sections
    .filter((section) => section.rawSize > 0)
    .toSorted((left, right) => left.offset - right.offset)) {
    // Past the end there is nothing to hash, in either form; the fault is named above.
    ranges.push({ start: section.offset, end: Math.min(section.offset + section.rawSize, headers.fileSize) })
    end = section.offset + section.rawSize
  }
  ranges.push({ start: end, end: contentEnd })
  return ranges
}

/** A range without CheckSum and directory entry 4. */
function holes(headers: PeHeaders, range: ByteRange): readonly ByteRange[] {
  const entry = headers.directoryCount >= 5 ? headers.certificateEntryOffset : null
  const first = { start: range.start, end: headers.checksumOffset }
  const afterChecksum = headers.checksumOffset + 4
  if (entry === null) return [first, { start: afterChecksum, end: range.end }]
  return [first, { start: afterChecksum, end: entry }, { start: entry + 8, end: range.end }]
}

/** Joins ranges that touch and drops empty ones, in the order given: two lists are equal only if the same bytes are read in the same order. */
function canonical(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: ByteRange[] = []
  for (const range of ranges) {
    if (range.end <= range.start) continue
    const last = joined.at(-1)
    if (last !== undefined && last.end === range.start)
      joined[joined.length - 1] = { start: last.start, end: range.end }
    else joined.push(range)
  }
  return joined
}

function sameRanges(left: readonly ByteRange[], right: readonly ByteRange[]): boolean {
  const key = (ranges: readonly ByteRange[]): string => ranges.map((range) => `${range.start}-${range.end}`).join(' ')
  return key(left) === key(right)
}
