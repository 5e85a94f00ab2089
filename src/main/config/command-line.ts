import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../shared/result.ts'
import { exitCodes } from './exit-codes.ts'

export interface CommandLine {
  readonly profile: string | null
  readonly help: boolean
  readonly version: boolean
}

export const usage = `Usage: signing-station [--profile DIR]

  --profile DIR   keep everything in DIR instead of $XDG_DATA_HOME/signing-station
  --version       print the version
  --help          print this

Exit codes: ${exitCodes.closed} closed; ${exitCodes.refused} refused (wrong use, run as root, unsuitable Node); ${exitCodes.alreadyRunning} another window of this profile is open
(it was brought to the front); ${exitCodes.noWindow} the window could not be opened; ${exitCodes.defect} a defect ended the program.
`

export function parseCommandLine(argv: readonly string[]): Result<CommandLine, string> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        profile: { type: 'string' },
        help: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
      },
    })
    return ok({ profile: values.profile ?? null, help: values.help, version: values.version })
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
}
