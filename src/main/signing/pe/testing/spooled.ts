import { hash } from 'node:crypto'
import { sha256Hex } from '../../../../shared/ids.ts'
import type { SpooledFile } from '../../signer.ts'
import { authenticodeSha256 } from '../authenticode.ts'
import { maxHeaderBytes, readPeHeaders } from '../pe-headers.ts'
import { layOut } from '../pe-layout.ts'
import type { Bench } from './reference-tools.ts'

/** Puts an image into a file and describes it as the sheet would, had it been inspected. */
export function spool(bench: Bench, name: string, image: Uint8Array): SpooledFile {
  const headers = readPeHeaders(image.subarray(0, maxHeaderBytes), image.length)
  const layout = headers.ok ? layOut(headers.value) : null
  const digest = layout?.faults.length === 0 ? authenticodeSha256(image, layout) : '0'.repeat(64)
  return {
    path: bench.write(name, image),
    size: image.length,
    sha256: sha256Hex.parse(hash('sha256', image)),
    toBeSigned: sha256Hex.parse(digest),
  }
}
