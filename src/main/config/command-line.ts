import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../shared/result.ts'
import { exitCodes } from './exit-codes.ts'

export interface CommandLine {
  readonly profile: string | null
  readonly help: boolean
  readonly version: boolean
  /** `--doctor`: look for the reason why a token is not shown, and open no window. */
  readonly doctor: { readonly json: boolean; readonly modules: readonly string[] } | null
}

export const usage = `Usage: signing-station [--profile DIR]
       signing-station --doctor [--json] [--module FILE]… [--profile DIR]

  --profile DIR   keep everything in DIR instead of $XDG_DATA_HOME/signing-station
  --doctor        say why a token is not shown, with the command that mends it, and open no window; changes nothing
  --json          with --doctor: the same as JSON
  --module FILE   with --doctor: load this PKCS#11 module too, beside those of the station
  --version       print the version
  --help          print this

Exit codes: ${exitCodes.closed} closed, or nothing wrong; ${exitCodes.problems} --doctor found problems; ${exitCodes.refused} refused (wrong use, run as root, unsuitable
Node); ${exitCodes.alreadyRunning} another window of this profile is open (it was brought to the front); ${exitCodes.noWindow} the window could not be
opened; ${exitCodes.defect} a defect ended the program.
`

export function parseCommandLine(argv: readonly string[]): Result<CommandLine, string> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        profile: { type: 'string' },
        help: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
        doctor: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        module: { type: 'string', multiple: true, default: [] },
      },
    })
    if (!values.doctor && (values.json || values.module.length > 0))
      return err('--json and --module belong to --doctor')
    const relative = values.module.find((path) => !path.startsWith('/'))
    if (relative !== undefined) return err(`--module ${relative}: not an absolute path`)
    const doctor = values.doctor ? { json: values.json, modules: values.module } : null
    return ok({ profile: values.profile ?? null, help: values.help, version: values.version, doctor })
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
}
