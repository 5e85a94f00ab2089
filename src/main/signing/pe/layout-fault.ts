import type { LayoutFault as SharedLayoutFault } from '../../../shared/input-facts.ts'

/**
 * Why no signature is made for an image. Each is a case in which two tools would sign or check different bytes, or in which a signature could
 * not be attached so that firmware finds it.
 */
const sentences = {
  'not-pe': 'This is not a PE image: the MZ or PE signature is missing.',
  'file-too-large': 'The file is 4 GiB or larger: the place of a signature could not be expressed in its header.',
  'pe-offset-nonsense':
    'The offset of the PE header (e_lfanew) points into the DOS header, outside the file, or to an odd place.',
  'headers-truncated': 'The file ends inside its headers.',
  'headers-too-far': 'The headers lie further than 64 KiB into the file.',
  'optional-header-unknown': 'The optional header is neither PE32 nor PE32+.',
  'optional-header-short': 'The optional header is too short for the data directories that it announces.',
  'too-many-directories': 'The optional header announces more than 16 data directories.',
  'too-many-sections': 'The image has more than 96 sections.',
  'too-few-directories':
    'The image has fewer than 5 data directories, so there is no place for a certificate table; tools disagree about such files.',
  'headers-size-wrong': 'SizeOfHeaders ends before the section table or behind the file.',
  'section-past-end': 'A section extends past the end of the file; some signing tools cut it, others do not.',
  'sections-out-of-order': 'The section table is not in the order of the file; pesign hashes such a file differently.',
  'sections-overlap': 'Two sections, or a section and the headers, share bytes; tools hash such a file differently.',
  'section-gap':
    'There are bytes between the headers and the sections that belong to neither; tools hash such a file differently.',
  'certificate-table-nonsense': 'The certificate table has an offset without a size, or a size without an offset.',
  'certificate-table-misaligned': 'The certificate table does not begin at a multiple of 8 bytes.',
  'certificate-table-overlaps': 'The certificate table overlaps the headers or a section.',
  'certificate-table-past-end': 'The certificate table extends past the end of the file.',
  'certificate-table-not-last': 'There are bytes behind the certificate table, which no signature would cover.',
  'certificate-table-malformed': 'The certificate table is not a list of signature entries that fills it.',
  'digest-forms-differ': 'Hashing section by section and hashing the whole file cover different bytes of this file.',
} as const

export type LayoutFaultCode = keyof typeof sentences
export interface LayoutFault extends SharedLayoutFault {
  readonly code: LayoutFaultCode
}

export function layoutFault(code: LayoutFaultCode): LayoutFault {
  return { code, message: sentences[code] }
}

export const layoutFaultCodes = Object.keys(sentences) as readonly LayoutFaultCode[]
