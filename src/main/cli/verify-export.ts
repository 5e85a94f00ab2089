import { closeSync, openSync } from 'node:fs'
import { maxExportLine, parseExportLine, parseHeaderLine } from '../audit/format/export-file.ts'
import { parseVerifierKey } from '../audit/format/signed-note.ts'
import { type Finding, finding } from '../audit/format/verification.ts'
import { type LogVerifier, verifyLog } from '../audit/format/verify.ts'
import { expectationsFor, type Handed, type Watcher } from './handed.ts'
import { searchFor, type Told, tellBoth } from './log-search.ts'
import { linesOf } from './read-lines.ts'
import { type Outcome, outcomeOf } from './verify-output.ts'

/** docs/formats/export.md: one line at a time, in the order in which they stand. */
export function verifyExport(handed: Handed, watcher: Watcher = {}): Outcome {
  const file = openSync(handed.wanted.target, 'r')
  try {
    const lines = linesOf(file, maxExportLine)
    const first = lines.next().value
    const header =
      first !== undefined && 'line' in first
        ? parseHeaderLine(first.line)
        : ({ ok: false, error: 'it does not begin with a line of text' } as const)
    if (!header.ok)
      return malformed(`The file is none that a station writes, or its beginning was changed: ${header.error}.`)
    const own = parseVerifierKey(header.value.vkey)
    if (!own.ok || own.value.name !== header.value.origin)
      return malformed('The key in the header of the export is not one of its log.')
    const started = expectationsFor(handed, own.value)
    if (started.kind === 'usage') return started
    if (started.kind === 'fault') return { kind: 'tampered', finding: started.finding, facts: null, file: null }
    const verifier = verifyLog(started.expectations)
    const search = searchFor(handed, started.expectations.key)
    const fault = readLines(lines, header.value.size, verifier, tellBoth(search, verifier.size, watcher))
    return search.conclude(outcomeOf(verifier.end(fault), null))
  } finally {
    closeSync(file)
  }
}

function readLines(
  lines: ReturnType<typeof linesOf>,
  size: number,
  verifier: LogVerifier,
  { look, checkpoint }: Told,
): Finding | null {
  let ended = false
  // An export ends with the checkpoint of all its entries, so that nothing in it is unsigned.
  let signedTo = 0
  for (const piece of lines) {
    const at = `after entry ${verifier.size()}`
    if ('tooLong' in piece) return broken(verifier, `A line ${at} is longer than any that an export has.`)
    if ('rest' in piece) return broken(verifier, `The file ends in the middle of a line ${at}: it was cut off.`)
    if (ended) return broken(verifier, 'Something follows the end of the export.')
    const line = parseExportLine(piece.line)
    if (!line.ok) return broken(verifier, `The export is damaged ${at}: ${line.error}.`)
    let fault: Finding | null = null
    switch (line.value.kind) {
      case 'entry':
        fault = verifier.entry(line.value.bytes)
        if (fault === null) look(verifier.size(), line.value.bytes)
        break
      case 'omitted':
        fault = verifier.omitted(line.value.count, line.value.hashes)
        break
      case 'checkpoint':
        fault = verifier.checkpoint(line.value.note)
        signedTo = verifier.size()
        if (fault === null) checkpoint?.(line.value.note)
        break
      case 'end':
        ended = true
        if (line.value.size !== verifier.size() || size !== verifier.size())
          fault = broken(
            verifier,
            `The export says that it has ${line.value.size} entries, and has ${verifier.size()}.`,
          )
    }
    if (fault !== null) return fault
  }
  if (!ended) return incomplete(verifier.size(), size)
  return signedTo === verifier.size() ? null : broken(verifier, 'The checkpoint at the end of the export is missing.')
}

function broken(verifier: LogVerifier, sentence: string): Finding {
  const seq = verifier.size() + 1
  return finding('export-malformed', [seq, seq], sentence)
}

function incomplete(at: number, size: number): Finding {
  return finding(
    'export-incomplete',
    size > at ? [at + 1, size] : null,
    `The export ends after entry ${at} without its last lines${size > at ? `; entries ${at + 1} to ${size} are missing` : ''}.`,
  )
}

function malformed(sentence: string): Outcome {
  return { kind: 'tampered', finding: finding('export-malformed', null, sentence), facts: null, file: null }
}
