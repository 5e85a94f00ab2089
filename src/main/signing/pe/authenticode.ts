import { hashByteRanges } from '../../digest/hash-ranges.ts'
import type { PeLayout } from './pe-layout.ts'

/** Zero bytes hashed behind the last byte: signing tools pad the image to a multiple of 8 before they append the table. */
export function authenticodePadding(contentEnd: number): number {
  return (8 - (contentEnd % 8)) % 8
}

/** Authenticode SHA-256 of an image in memory, section by section, as lower-case hex. The layout must be without a fault. */
export function authenticodeSha256(image: Uint8Array, layout: PeLayout): string {
  const digest =
    layout.faults.length === 0 ? hashByteRanges(image, layout.walk, authenticodePadding(layout.contentEnd)) : null
  if (digest === null) throw new Error('an image with a layout fault has no digest to sign')
  return digest
}
