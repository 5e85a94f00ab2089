import { err, ok, type Result } from '../../../shared/result.ts'
import type { LayoutFault, LayoutFaultCode } from './layout-fault.ts'
import { layoutFault } from './layout-fault.ts'

// Microsoft PE Format specification: "MS-DOS Stub", "COFF File Header", "Optional Header", "Section Table". All numbers little-endian.

/** Everything up to the end of the section table has to lie within this many bytes; real images need less than 4 KiB. */
export const maxHeaderBytes = 64 * 1024
/** The Windows loader's own limit; a Linux UKI has about a dozen. */
export const maxSections = 96

export interface PeSection {
  /** The eight bytes of the table, up to the first zero, as Latin-1. A name `/n` is resolved through the COFF string table elsewhere. */
  readonly rawName: string
  readonly virtualSize: number
  readonly rawSize: number
  readonly offset: number
}

export interface PeHeaders {
  readonly fileSize: number
  readonly machine: number
  readonly subsystem: number
  readonly sizeOfHeaders: number
  /** File offset of CheckSum (4 bytes). */
  readonly checksumOffset: number
  /** File offset of data directory entry 4 (8 bytes). */
  readonly certificateEntryOffset: number
  readonly directoryCount: number
  /** Entry 4: a file offset (not an address) and a size; both 0 where there is none. */
  readonly certificateTable: { readonly offset: number; readonly size: number }
  readonly symbolTable: { readonly offset: number; readonly count: number }
  /** First byte behind the section table. */
  readonly headersEnd: number
  readonly sections: readonly PeSection[]
}

/**
 * Reads the headers. `head` holds the first `min(fileSize, maxHeaderBytes)` bytes of a file. Every offset is checked before it is used; an
 * error means that this is no PE image that can be described at all.
 */
export function readPeHeaders(head: Uint8Array, fileSize: number): Result<PeHeaders, LayoutFault> {
  const fail = (code: LayoutFaultCode): Result<PeHeaders, LayoutFault> => err(layoutFault(code))
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  // Data directory entry 4 is a 32-bit file offset: a certificate table could not be attached behind 4 GiB.
  if (fileSize >= 2 ** 32) return fail('file-too-large')
  if (head.length < 0x40 || view.getUint16(0, true) !== 0x5a4d) return fail('not-pe')
  const pe = view.getUint32(0x3c, true)
  // A PE header inside the DOS header is legal for the loader, and a file that is two things at once for a reader. It need only be even:
  // the x86 kernel's begins at 0x82.
  if (pe < 0x40 || pe % 2 !== 0) return fail('pe-offset-nonsense')
  const coff = pe + 4
  const optional = coff + 20
  if (optional > head.length) return fail(pe >= fileSize ? 'pe-offset-nonsense' : endFault(fileSize, optional))
  if (view.getUint32(pe, true) !== 0x4550) return fail('not-pe')
  const sectionCount = view.getUint16(coff + 2, true)
  const optionalSize = view.getUint16(coff + 16, true)
  const table = optional + optionalSize
  const headersEnd = table + sectionCount * 40
  if (optionalSize < 2 || optional + 2 > head.length) return fail('optional-header-unknown')
  const magic = view.getUint16(optional, true)
  if (magic !== 0x10b && magic !== 0x20b) return fail('optional-header-unknown')
  const directories = optional + (magic === 0x10b ? 96 : 112)
  if (directories > table) return fail('optional-header-short')
  if (headersEnd > head.length) return fail(endFault(fileSize, headersEnd))
  if (sectionCount > maxSections) return fail('too-many-sections')
  const directoryCount = view.getUint32(directories - 4, true)
  if (directoryCount > 16) return fail('too-many-directories')
  if (directories + directoryCount * 8 > table) return fail('optional-header-short')
  const certificateEntryOffset = directories + 4 * 8
  const hasEntry = directoryCount >= 5
  return ok({
    fileSize,
    machine: view.getUint16(coff, true),
    subsystem: view.getUint16(optional + 68, true),
    sizeOfHeaders: view.getUint32(optional + 60, true),
    checksumOffset: optional + 64,
    certificateEntryOffset,
    directoryCount,
    certificateTable: hasEntry
      ? { offset: view.getUint32(certificateEntryOffset, true), size: view.getUint32(certificateEntryOffset + 4, true) }
      : { offset: 0, size: 0 },
    symbolTable: { offset: view.getUint32(coff + 8, true), count: view.getUint32(coff + 12, true) },
    headersEnd,
    sections: Array.from({ length: sectionCount }, (_, index) => readSection(head, view, table + index * 40)),
  })
}

function endFault(fileSize: number, wanted: number): LayoutFaultCode {
  return wanted > fileSize ? 'headers-truncated' : 'headers-too-far'
}

function readSection(head: Uint8Array, view: DataView, at: number): PeSection {
  let rawName = ''
  for (let index = at; index < at + 8 && head[index] !== 0; index++) rawName += String.fromCharCode(head[index] ?? 0)
  return {
    rawName,
    virtualSize: view.getUint32(at + 8, true),
    rawSize: view.getUint32(at + 16, true),
    offset: view.getUint32(at + 20, true),
  }
}
