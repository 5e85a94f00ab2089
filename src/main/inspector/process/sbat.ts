import type { SbatRow } from '../../../shared/input-facts.ts'
import { type Image, sectionPart, sectionsNamed } from './image.ts'
import { inspectedText, untilZero } from './inspected-text.ts'

const maxBytes = 64 * 1024
const maxRows = 64
const maxField = 1024

export interface Sbat {
  readonly rows: readonly SbatRow[] | null
  /** A sentence: why the rows are not all there is to know. */
  readonly problem: string | null
}

/** The `.sbat` section: CSV of component, generation, vendor, package, version, URL (shim SBAT.md). */
export function readSbat(image: Image): Sbat {
  const [section, ...more] = sectionsNamed(image, '.sbat')
  if (section === undefined) return { rows: null, problem: null }
  if (more.length > 0)
    return { rows: null, problem: 'The image has more than one .sbat section; which one counts is not defined.' }
  const part = sectionPart(image, section)
  if (part === null) return { rows: null, problem: 'The .sbat section extends past the end of the file.' }
  if (part.size > maxBytes) return { rows: null, problem: 'The .sbat section is larger than 64 KiB.' }
  return parseSbat(untilZero(part.read(0, part.size)))
}

export function parseSbat(bytes: Uint8Array): Sbat {
  const text = inspectedText(bytes, maxBytes).text.replace(/^\uFEFF/u, '')
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  const rows: SbatRow[] = []
  for (const [index, line] of lines.entries()) {
    if (rows.length === maxRows)
      return { rows, problem: `The .sbat section has ${lines.length} rows; only the first ${maxRows} were read.` }
    const [component = '', generation = '', vendor, packageName, version, ...url] = line.split(',')
    // shim reads the generation as a 16-bit number; anything else makes it refuse the image.
    if (
      component === '' ||
      !/^[0-9]{1,5}$/.test(generation) ||
      Number(generation) > 0xffff ||
      vendor === undefined ||
      packageName === undefined ||
      version === undefined ||
      url.length === 0
    ) {
      return {
        rows,
        problem: `Row ${index + 1} of the .sbat section is not component, generation, vendor, package, version, URL.`,
      }
    }
    const fields = { component, vendor, package: packageName, version, url: url.join(',') }
    if (Object.values(fields).some((field) => field.length > maxField))
      return { rows, problem: `A field in row ${index + 1} of the .sbat section is too long.` }
    rows.push({ ...fields, generation: Number(generation) })
  }
  return rows.length === 0 ? { rows, problem: 'The .sbat section has no rows.' } : { rows, problem: null }
}
