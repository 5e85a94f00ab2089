import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../shared/result.ts'
import { exitCodes } from './exit-codes.ts'

/** What the program does without a window. */
export type Command = { readonly kind: 'service-key'; readonly action: 'new' | 'list' | 'reencrypt' }

export interface CommandLine {
  readonly profile: string | null
  readonly help: boolean
  readonly version: boolean
  /** Null: opens the window. */
  readonly command: Command | null
}

export const usage = `Usage: signing-station [--profile DIR] [COMMAND]

  --profile DIR   keep everything in DIR instead of $XDG_DATA_HOME/signing-station
  --version       print the version
  --help          print this

Without a command the window opens. Commands, for a station whose window is closed:

  service-key new             make a service key; new software keys are sealed with it from now on
  service-key list            the service keys, what each opens, and which are missing
  service-key reencrypt       seal every software key and the log's key to the newest service key; goes on where it was stopped

Exit codes: ${exitCodes.closed} closed; ${exitCodes.refused} refused (wrong use, run as root, unsuitable Node); ${exitCodes.alreadyRunning} another window of this profile is open
(it was brought to the front); ${exitCodes.noWindow} the window could not be opened; ${exitCodes.commandFailed} the command did not do all that it was to do; ${exitCodes.defect} a defect ended the program.
`

export function parseCommandLine(argv: readonly string[]): Result<CommandLine, string> {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(argv)
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  const command = positionals.length === 0 ? null : commandOf(positionals)
  if (typeof command === 'string') return err(command)
  return ok({ profile: values.profile ?? null, help: values.help, version: values.version, command })
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false },
    },
  })
}

/** The command, or a sentence about what is wrong with it. */
function commandOf([kind, action, ...rest]: readonly string[]): Command | string {
  if (kind === 'service-key' && rest.length === 0 && (action === 'new' || action === 'list' || action === 'reencrypt'))
    return { kind, action }
  return `There is no command “${[kind, action, ...rest].filter((word) => word !== undefined).join(' ')}”.`
}
