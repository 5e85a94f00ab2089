import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryUrl } from '../../digest/entry-url.ts'
import { silentLog } from '../../log/logger.ts'
import { probeConfinement } from '../confinement.ts'
import type { InspectorOptions } from '../inspector-process.ts'

/** A folder for files to inspect, and an inspector run from source as this machine can hold it. */
export interface InspectionBench {
  readonly folder: string
  readonly options: InspectorOptions & Required<Pick<InspectorOptions, 'confinement'>>
  file(content: Uint8Array | string, name?: string): { readonly path: string; readonly name: string }
  remove(): void
}

export function makeInspectionBench(): InspectionBench {
  const folder = mkdtempSync(join(tmpdir(), 'inspector-test-'))
  return {
    folder,
    options: {
      nodePath: process.execPath,
      entry: entryUrl('inspector', new URL('../../index.ts', import.meta.url).href),
      log: silentLog,
      confinement: probeConfinement(),
    },
    file: (content, name = 'input') => {
      const path = join(folder, name)
      writeFileSync(path, content)
      return { path, name }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
