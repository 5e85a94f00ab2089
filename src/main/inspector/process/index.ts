import { fstatSync, writeSync } from 'node:fs'
import { comparedDescriptor, type InspectorAnswer, inspectedAs, inspectedDescriptor } from '../protocol.ts'
import { type ByteSource, fileSource } from './byte-source.ts'
import { inspectAs } from './inspect.ts'

// Entry of the inspector process: one file in, one JSON text out. It is started with nothing but the file's descriptor.
const bytes = Buffer.from(JSON.stringify(answer()))
for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written)

function answer(): InspectorAnswer {
  let size: number
  try {
    size = fstatSync(inspectedDescriptor).size
  } catch (error) {
    return {
      kind: 'unreadable',
      detail: error instanceof Error ? error.message.slice(0, 1000) : 'the file is not there',
    }
  }
  const as = inspectedAs.find((each) => each === process.argv[2]) ?? 'image'
  return { kind: 'facts', facts: inspectAs(fileSource(inspectedDescriptor, size), as, compared()) }
}

/** Only a `Release` is compared with another; without one the descriptor is closed. */
function compared(): ByteSource | null {
  if (process.argv[2] !== 'release') return null
  try {
    const stat = fstatSync(comparedDescriptor)
    return stat.isFile() ? fileSource(comparedDescriptor, stat.size) : null
  } catch {
    return null
  }
}
