/** A section as the builder places it; every field of the table can be set to something else than the truth. */
export interface BuilderSection {
  readonly name: string
  readonly content: Uint8Array
  readonly virtualSize?: number
  /** What the table says, where it differs from where and how the content lies. */
  readonly claimedOffset?: number
  readonly claimedSize?: number
  /** Bytes left out in front of the content. */
  readonly gapBefore?: number
}

export interface PeBuilderOptions {
  readonly sections?: readonly BuilderSection[]
  readonly machine?: number
  readonly subsystem?: number
  readonly pe32?: boolean
  readonly directoryCount?: number
  /** Order of the section table, as indices into `sections`. */
  readonly tableOrder?: readonly number[]
  readonly peOffset?: number
  /** Bytes behind the last section. */
  readonly trailing?: Uint8Array
  readonly certificateTable?: { readonly offset?: number; readonly size?: number; readonly bytes: Uint8Array }
  readonly stringTable?: Uint8Array
  readonly sizeOfHeaders?: number
  readonly fileAlignment?: number
}

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment

/** Builds a small PE image, well-formed unless an option says otherwise. For tests and benches only. */
export function buildPe(options: PeBuilderOptions = {}): Uint8Array {
  const sections = options.sections ?? [{ name: '.text', content: new Uint8Array(512).fill(0x90) }]
  const alignment = options.fileAlignment ?? 512
  const peOffset = options.peOffset ?? 0x80
  const directoryCount = options.directoryCount ?? 16
  const fixed = options.pe32 === true ? 96 : 112
  const optionalSize = fixed + directoryCount * 8
  const table = peOffset + 24 + optionalSize
  const headersEnd = alignUp(table + sections.length * 40, alignment)
  const placed: { section: BuilderSection; offset: number; size: number }[] = []
  let end = headersEnd
  for (const section of sections) {
    const offset = end + (section.gapBefore ?? 0)
    const size = alignUp(section.content.length, alignment)
    placed.push({ section, offset, size })
    end = offset + size
  }
  const strings = options.stringTable ?? new Uint8Array(0)
  const stringsAt = end
  const trailing = options.trailing ?? new Uint8Array(0)
  end += strings.length + trailing.length
  const certificates = options.certificateTable
  const certificatesAt = certificates === undefined ? 0 : alignUp(end, 8)
  const image = new Uint8Array(certificates === undefined ? end : certificatesAt + certificates.bytes.length)
  const view = new DataView(image.buffer)
  image.set([0x4d, 0x5a])
  view.setUint32(0x3c, peOffset, true)
  view.setUint32(peOffset, 0x4550, true)
  const coff = peOffset + 4
  view.setUint16(coff, options.machine ?? 0x8664, true)
  view.setUint16(coff + 2, sections.length, true)
  view.setUint32(coff + 8, strings.length > 0 ? stringsAt : 0, true)
  view.setUint16(coff + 16, optionalSize, true)
  view.setUint16(coff + 18, 0x22e, true)
  const optional = coff + 20
  view.setUint16(optional, options.pe32 === true ? 0x10b : 0x20b, true)
  view.setUint32(optional + 16, 0x1000, true)
  view.setUint32(optional + 32, 4096, true)
  view.setUint32(optional + 36, alignment, true)
  view.setUint32(optional + 56, 0x1000 * (sections.length + 1), true)
  view.setUint32(optional + 60, options.sizeOfHeaders ?? headersEnd, true)
  view.setUint16(optional + 68, options.subsystem ?? 10, true)
  view.setUint32(optional + fixed - 4, directoryCount, true)
  if (certificates !== undefined) {
    view.setUint32(optional + fixed + 32, certificates.offset ?? certificatesAt, true)
    view.setUint32(optional + fixed + 36, certificates.size ?? certificates.bytes.length, true)
    image.set(certificates.bytes, certificatesAt)
  }
  for (const [row, index] of (options.tableOrder ?? sections.map((_, index) => index)).entries()) {
    const entry = placed[index]
    if (entry === undefined) throw new Error(`no section ${index}`)
    const at = table + row * 40
    image.set(new TextEncoder().encode(entry.section.name).subarray(0, 8), at)
    view.setUint32(at + 8, entry.section.virtualSize ?? entry.section.content.length, true)
    view.setUint32(at + 12, 0x1000 * (index + 1), true)
    view.setUint32(at + 16, entry.section.claimedSize ?? entry.size, true)
    view.setUint32(at + 20, entry.section.claimedOffset ?? entry.offset, true)
    view.setUint32(at + 36, 0x60000020, true)
  }
  for (const { section, offset } of placed) image.set(section.content, offset)
  image.set(strings, stringsAt)
  image.set(trailing, stringsAt + strings.length)
  return image
}
