#!/usr/bin/env node
import { parseCommandLine, usage } from './verify-arguments.ts'
import { exitCodes, type Outcome, shown, shownAsJson } from './verify-output.ts'
import { verifyTarget } from './verify-target.ts'

// signing-station-verify: plain Node, files only. It opens no socket, starts no process and writes to no file.

// Node ends with 1 for an exception that nobody catches, which here would say that the log was tampered with.
process.on('uncaughtException', (error) => {
  process.stderr.write(`signing-station-verify failed, and nothing can be said of the log: ${String(error.stack)}\n`)
  process.exit(exitCodes['cannot-tell'])
})
// Whoever reads the answer may go before its end; what the exit code says is still true.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const wanted = parseCommandLine(process.argv.slice(2))
if (wanted.kind === 'help') {
  process.stdout.write(usage)
} else if (wanted.kind === 'wrong') {
  process.stderr.write(`${wanted.sentence}\n\n${usage}`)
  process.exitCode = exitCodes.usage
} else {
  const outcome: Outcome = verifyTarget(wanted.wanted)
  process.stdout.write(wanted.wanted.json ? shownAsJson(outcome) : shown(outcome))
  process.exitCode = exitCodes[outcome.kind]
}
