import { fstatSync, writeSync } from 'node:fs'
import { type InspectorAnswer, inspectedDescriptor } from '../protocol.ts'
import { fileSource } from './byte-source.ts'
import { inspect } from './inspect.ts'
import { inspectText } from './text-facts.ts'

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
  const source = fileSource(inspectedDescriptor, size)
  return { kind: 'facts', facts: process.argv.at(-1) === 'text' ? inspectText(source) : inspect(source) }
}
