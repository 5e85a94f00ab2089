import { err, ok, type Result } from '../../../shared/result.ts'
import type { HashAlgorithm } from '../../digest/hash-ranges.ts'
import { authenticodePadding } from '../../signing/pe/authenticode.ts'
import type { LayoutFault } from '../../signing/pe/layout-fault.ts'
import { maxHeaderBytes, type PeHeaders, type PeSection, readPeHeaders } from '../../signing/pe/pe-headers.ts'
import { layOut, type PeLayout } from '../../signing/pe/pe-layout.ts'
import { type ByteSource, partOf } from './byte-source.ts'
import { inspectedText, untilZero } from './inspected-text.ts'

export interface Section extends PeSection {
  /** With a name `/n` looked up in the COFF string table. */
  readonly name: string
}

/** An image whose headers could be read. */
export interface Image {
  readonly source: ByteSource
  readonly headers: PeHeaders
  readonly layout: PeLayout
  readonly sections: readonly Section[]
}

const maxName = 128

export function readImage(source: ByteSource): Result<Image, LayoutFault> {
  const headers = readPeHeaders(source.read(0, maxHeaderBytes), source.size)
  if (!headers.ok) return err(headers.error)
  return ok({
    source,
    headers: headers.value,
    layout: layOut(headers.value),
    sections: headers.value.sections.map((section) => ({
      ...section,
      name: sectionName(source, headers.value, section),
    })),
  })
}

/** PE Format, "Section Table": a name longer than 8 bytes is `/` and a decimal offset into the COFF string table. */
function sectionName(source: ByteSource, headers: PeHeaders, section: PeSection): string {
  const digits = /^\/([0-9]{1,7})$/.exec(section.rawName)?.[1]
  if (digits === undefined || headers.symbolTable.offset === 0) return section.rawName
  const strings = headers.symbolTable.offset + 18 * headers.symbolTable.count
  const name = untilZero(source.read(strings + Number(digits), maxName))
  return name.length === 0 ? section.rawName : inspectedText(name, maxName).text
}

/** A section's bytes as its program sees them: up to its virtual size, without the padding of the file. Null when they pass the end of the file. */
export function sectionPart(image: Image, section: Section): ByteSource | null {
  const size = section.virtualSize > 0 ? Math.min(section.virtualSize, section.rawSize) : section.rawSize
  return section.offset + size <= image.source.size ? partOf(image.source, section.offset, size) : null
}

export function sectionsNamed(image: Image, name: string): readonly Section[] {
  return image.sections.filter((section) => section.name === name && section.rawSize > 0)
}

/** Authenticode digest; null when the layout has a fault. */
export function authenticodeDigest(image: Image, algorithm: HashAlgorithm): string | null {
  const { layout, source } = image
  return layout.faults.length > 0 ? null : source.hash(layout.walk, authenticodePadding(layout.contentEnd), algorithm)
}
