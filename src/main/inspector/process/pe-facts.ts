import { type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import type { PeFacts } from '../../../shared/input-facts.ts'
import { scanForCertificates } from './certificate-scan.ts'
import { readExistingSignatures } from './existing-signatures.ts'
import { authenticodeDigest, type Image, readImage, type Section, sectionPart, sectionsNamed } from './image.ts'
import { inspectedText } from './inspected-text.ts'
import { kernelVersion } from './kernel.ts'
import { roleOf } from './role.ts'
import { readSbat } from './sbat.ts'
import { readVendorCertificates } from './vendor-certificates.ts'

// PE Format, "Machine Types" and "Windows Subsystem".
const machines: Readonly<Record<number, string>> = {
  0x14c: 'i386',
  0x8664: 'x86-64',
  0x1c2: 'ARM Thumb',
  0xaa64: 'AArch64',
  0x5032: 'RISC-V 32',
  0x5064: 'RISC-V 64',
  0x6264: 'LoongArch64',
  0xebc: 'EFI byte code',
}
const subsystems: Readonly<Record<number, string>> = {
  10: 'EFI application',
  11: 'EFI boot service driver',
  12: 'EFI runtime driver',
  13: 'EFI ROM',
}
const textSections = ['.osrel', '.uname', '.cmdline', '.sdmagic', '.profile']
const maxText = 4096
const maxTexts = 16

/** Everything that the sheet says about a PE image. Bounded in every list and text; what a bound leaves out is named in `incomplete`. */
export function peFacts(image: Image): PeFacts {
  const { headers, layout } = image
  const signatures = readExistingSignatures(image)
  const sbat = readSbat(image)
  const texts = readTexts(image)
  const vendor = readVendorCertificates(image)
  const scan = scanForCertificates(image)
  const kernel = readInnerKernel(image)
  const layoutFaults = [...layout.faults, ...signatures.faults]
  return {
    kind: 'pe',
    machine: named(machines, headers.machine),
    subsystem: named(subsystems, headers.subsystem),
    role: roleOf(image, texts.list, sbat.rows),
    authenticodeSha256: layoutFaults.length > 0 ? null : digestOf(authenticodeDigest(image, 'sha256')),
    layoutFaults: layoutFaults.map(({ code, message }) => ({ code, message })),
    sections: image.sections.map((section) => ({
      name: section.name,
      offset: section.offset,
      rawSize: section.rawSize,
      virtualSize: section.virtualSize,
      sha256: sectionDigest(image, section),
    })),
    sbat: sbat.rows === null ? null : [...sbat.rows],
    sbatProblem: sbat.problem,
    texts: [...texts.list],
    kernelVersion: kernel.version,
    innerKernelSha256: kernel.digest,
    vendorCertificates: [...vendor.certificates],
    vendorDbxBytes: vendor.dbxBytes,
    embeddedCertificates: [...scan.certificates],
    existingSignatures: [...signatures.signatures],
    incomplete: [
      ...signatures.incomplete,
      ...texts.incomplete,
      ...vendor.incomplete,
      ...scan.incomplete,
      ...kernel.incomplete,
    ],
  }
}

function named(names: Readonly<Record<number, string>>, value: number): string {
  return `${names[value] ?? 'unknown'} (0x${value.toString(16).padStart(2, '0')})`
}

function digestOf(hex: string | null): Sha256Hex | null {
  return hex === null ? null : sha256Hex.parse(hex)
}

function sectionDigest(image: Image, section: Section): Sha256Hex | null {
  const end = section.offset + section.rawSize
  if (section.rawSize === 0 || end > image.source.size) return null
  return digestOf(image.source.hash([{ start: section.offset, end }], 0, 'sha256'))
}

function readTexts(image: Image): { readonly list: PeFacts['texts']; readonly incomplete: readonly string[] } {
  const sections = image.sections.filter((section) => textSections.includes(section.name) && section.rawSize > 0)
  const list = sections.slice(0, maxTexts).flatMap((section) => {
    const part = sectionPart(image, section)
    if (part === null) return []
    // Four bytes at most make one character, so this many bytes are enough to fill the cut.
    const { text, cut } = inspectedText(trimZeros(part.read(0, maxText * 4)), maxText)
    return [{ section: section.name, text, cut: cut || part.size > maxText * 4 }]
  })
  const left = sections.length - maxTexts
  return { list, incomplete: left > 0 ? [`${left} more text sections are not shown.`] : [] }
}

function trimZeros(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

function readInnerKernel(image: Image): {
  readonly version: string | null
  readonly digest: Sha256Hex | null
  readonly incomplete: readonly string[]
} {
  const [section, ...more] = sectionsNamed(image, '.linux')
  if (section === undefined) return { version: kernelVersion(image.source), digest: null, incomplete: [] }
  const part = sectionPart(image, section)
  const inner = part === null ? null : readImage(part)
  const digest = inner?.ok === true ? digestOf(authenticodeDigest(inner.value, 'sha256')) : null
  const incomplete: string[] = []
  if (digest === null)
    incomplete.push('The kernel in .linux is not a PE image with a regular layout; it has no digest of its own.')
  if (more.length > 0) incomplete.push(`${more.length} more .linux sections are not looked into.`)
  return { version: part === null ? null : kernelVersion(part), digest, incomplete }
}
