import type { LayoutFaultCode } from '../layout-fault.ts'
import { buildPe } from './pe-builder.ts'

const text = { name: '.text', content: new Uint8Array(512).fill(1) }
const data = { name: '.data', content: new Uint8Array(512).fill(2) }
const sections = [text, data]
const whole = buildPe({ sections })

function patched(image: Uint8Array, change: (view: DataView, optional: number) => void): Uint8Array {
  const copy = image.slice()
  const view = new DataView(copy.buffer)
  change(view, view.getUint32(0x3c, true) + 24)
  return copy
}

export interface MalformedImage {
  readonly name: string
  readonly image: Uint8Array
  readonly faults: readonly LayoutFaultCode[]
  /** The installed tools do not agree on what a signature of it would cover: digests differ, or one refuses what another signs. */
  readonly toolsDiffer: boolean
}

/** Every way of being malformed that the station refuses, as the smallest image that shows it. */
export const malformedImages: readonly MalformedImage[] = [
  {
    name: 'a gap behind the headers',
    image: buildPe({ sections: [{ ...text, gapBefore: 512 }, data] }),
    faults: ['section-gap', 'digest-forms-differ'],
    toolsDiffer: true,
  },
  {
    name: 'a gap between sections',
    image: buildPe({ sections: [text, { ...data, gapBefore: 512 }] }),
    faults: ['section-gap', 'digest-forms-differ'],
    toolsDiffer: true,
  },
  {
    name: 'overlapping sections',
    image: buildPe({ sections: [text, { ...data, claimedOffset: 768 }] }),
    faults: ['sections-overlap', 'digest-forms-differ'],
    toolsDiffer: true,
  },
  {
    name: 'a section that overlaps the headers',
    image: buildPe({ sections: [{ ...text, claimedOffset: 256, claimedSize: 768 }, data] }),
    faults: ['sections-overlap', 'digest-forms-differ'],
    toolsDiffer: true,
  },
  {
    name: 'a last section cut short',
    image: whole.subarray(0, whole.length - 100),
    faults: ['section-past-end'],
    toolsDiffer: true,
  },
  {
    name: 'a last section that claims more than there is',
    image: buildPe({ sections: [text, { ...data, claimedSize: 1024 }] }),
    faults: ['section-past-end'],
    toolsDiffer: true,
  },
  {
    name: 'a section table out of order',
    image: buildPe({ sections, tableOrder: [1, 0] }),
    faults: ['sections-out-of-order'],
    toolsDiffer: true,
  },
  {
    name: 'four data directories',
    image: buildPe({ sections, directoryCount: 4 }),
    faults: ['too-few-directories'],
    toolsDiffer: true,
  },
  {
    name: 'SizeOfHeaders behind the file',
    image: buildPe({ sections, sizeOfHeaders: 0x100000 }),
    faults: ['headers-size-wrong', 'sections-overlap', 'digest-forms-differ'],
    toolsDiffer: true,
  },
  {
    name: 'SizeOfHeaders inside the section table',
    image: buildPe({ sections, sizeOfHeaders: 256 }),
    faults: ['headers-size-wrong', 'section-gap', 'digest-forms-differ'],
    toolsDiffer: true,
  },
  {
    name: 'bytes behind the certificate table',
    image: buildPe({ sections, certificateTable: { bytes: new Uint8Array(64), size: 32 } }),
    faults: ['certificate-table-not-last'],
    toolsDiffer: true,
  },
  {
    name: 'a certificate table that overlaps a section',
    image: buildPe({ sections, certificateTable: { bytes: new Uint8Array(64), offset: 1024, size: 576 } }),
    faults: ['certificate-table-overlaps', 'digest-forms-differ'],
    toolsDiffer: true,
  },
  {
    name: 'a certificate table past the end',
    image: buildPe({ sections, certificateTable: { bytes: new Uint8Array(64), size: 128 } }),
    faults: ['certificate-table-past-end'],
    toolsDiffer: false,
  },
  {
    name: 'a certificate table at an odd place',
    image: buildPe({ sections, certificateTable: { bytes: new Uint8Array(64), offset: 1540, size: 60 } }),
    faults: ['certificate-table-misaligned'],
    toolsDiffer: false,
  },
  {
    name: 'a certificate table without a size',
    image: patched(whole, (view, optional) => view.setUint32(optional + 144, 1024, true)),
    faults: ['certificate-table-nonsense'],
    toolsDiffer: false,
  },
  {
    name: 'a certificate table without a place',
    image: patched(whole, (view, optional) => view.setUint32(optional + 148, 64, true)),
    faults: ['certificate-table-nonsense', 'digest-forms-differ'],
    toolsDiffer: false,
  },
  {
    name: 'more than 16 data directories',
    image: buildPe({ sections, directoryCount: 17 }),
    faults: ['too-many-directories'],
    toolsDiffer: false,
  },
  {
    name: 'a count of data directories that wraps',
    image: patched(whole, (view, optional) => view.setUint32(optional + 108, 0xffffffff, true)),
    faults: ['too-many-directories'],
    toolsDiffer: false,
  },
  {
    name: 'an optional header shorter than its directories',
    image: patched(whole, (view, optional) => view.setUint16(optional - 4, 120, true)),
    faults: ['optional-header-short'],
    toolsDiffer: false,
  },
  {
    name: 'an optional header without room for any directory',
    image: patched(whole, (view, optional) => view.setUint16(optional - 4, 100, true)),
    faults: ['optional-header-short'],
    toolsDiffer: false,
  },
  {
    name: 'no optional header',
    image: patched(whole, (view, optional) => view.setUint16(optional - 4, 0, true)),
    faults: ['optional-header-unknown'],
    toolsDiffer: false,
  },
  {
    name: 'an unknown optional header',
    image: patched(whole, (view, optional) => view.setUint16(optional, 0x107, true)),
    faults: ['optional-header-unknown'],
    toolsDiffer: false,
  },
  {
    name: 'more than 96 sections',
    image: buildPe({ sections: Array.from({ length: 97 }, () => text) }),
    faults: ['too-many-sections'],
    toolsDiffer: false,
  },
  {
    name: 'more sections than the file has room for',
    image: patched(whole, (view, optional) => view.setUint16(optional - 18, 0xffff, true)),
    faults: ['headers-truncated'],
    toolsDiffer: false,
  },
  { name: 'headers cut off', image: whole.subarray(0, 0x100), faults: ['headers-truncated'], toolsDiffer: false },
  {
    name: 'a PE header far into the file',
    image: buildPe({ sections, peOffset: 0x20000 }),
    faults: ['headers-too-far'],
    toolsDiffer: false,
  },
  {
    name: 'e_lfanew inside the DOS header',
    image: patched(whole, (view) => view.setUint32(0x3c, 4, true)),
    faults: ['pe-offset-nonsense'],
    toolsDiffer: false,
  },
  {
    name: 'e_lfanew outside the file',
    image: patched(whole, (view) => view.setUint32(0x3c, 0xfffffff0, true)),
    faults: ['pe-offset-nonsense'],
    toolsDiffer: false,
  },
  {
    name: 'an odd e_lfanew',
    image: patched(whole, (view) => view.setUint32(0x3c, 0x81, true)),
    faults: ['pe-offset-nonsense'],
    toolsDiffer: false,
  },
  {
    name: 'no PE signature',
    image: patched(whole, (view) => view.setUint32(0x80, 0, true)),
    faults: ['not-pe'],
    toolsDiffer: false,
  },
  {
    name: 'no MZ',
    image: patched(whole, (view) => view.setUint16(0, 0, true)),
    faults: ['not-pe'],
    toolsDiffer: false,
  },
  { name: 'no bytes at all', image: new Uint8Array(0), faults: ['not-pe'], toolsDiffer: false },
]
