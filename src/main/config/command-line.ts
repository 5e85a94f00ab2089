import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { handPath, maxHandFiles } from '../../shared/by-hand.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { exitCodes } from './exit-codes.ts'

/** What the program does without a window. */
export type Command =
  | { readonly kind: 'service-key'; readonly action: 'new' | 'list' | 'reencrypt' }
  | { readonly kind: 'software-keys'; readonly action: 'preview'; readonly dump: string }
  | { readonly kind: 'software-keys'; readonly action: 'import'; readonly dump: string; readonly sha256: string }
  | { readonly kind: 'software-keys'; readonly action: 'export' }

export interface CommandLine {
  readonly profile: string | null
  readonly help: boolean
  readonly version: boolean
  /** `--doctor`: look for the reason why a token is not shown, and open no window. */
  readonly doctor: { readonly json: boolean; readonly modules: readonly string[] } | null
  /** Null, and no doctor: opens the window. */
  readonly command: Command | null
  /** `open FILE…`: files, as absolute paths, that the window offers to sign. Nothing is opened before a person says what they are to be signed as. */
  readonly open: readonly string[]
}

export const usage = `Usage: signing-station [--profile DIR] [COMMAND]
       signing-station [--profile DIR] open FILE…
       signing-station --doctor [--json] [--module FILE]… [--profile DIR]

  --profile DIR   keep everything in DIR instead of $XDG_DATA_HOME/signing-station
  --doctor        say why a token is not shown, with the command that mends it, and open no window; changes nothing
  --json          with --doctor: the same as JSON
  --module FILE   with --doctor: load this PKCS#11 module too, beside those of the station
  --version       print the version
  --help          print this

  open FILE…      show the files in the window, to be signed by hand; a window that is open already takes them over

Without a command the window opens. Commands, for a station whose window is closed:

  service-key new             make a service key; new software keys are sealed with it from now on
  service-key list            the service keys, what each opens, and which are missing
  service-key reencrypt       seal every software key and the log's key to the newest service key; goes on where it was stopped
  software-keys preview DUMP  what of a debusine-signing dump could be taken over, and why the rest not
  software-keys import DUMP --sha256 HEX
                              take it over; HEX is the digest that the preview printed
  software-keys export        write the software keys to a file that debusine-signing loads

Exit codes: ${exitCodes.closed} closed, or nothing wrong; ${exitCodes.problems} --doctor found problems; ${exitCodes.refused} refused (wrong use, run as root, unsuitable
Node); ${exitCodes.alreadyRunning} another window of this profile is open (it was brought to the front); ${exitCodes.noWindow} the window could not be
opened; ${exitCodes.commandFailed} the command did not do all that it was to do; ${exitCodes.defect} a defect ended the program.
`

/** `folder`: what a file is named from that is not an absolute path. */
export function parseCommandLine(argv: readonly string[], folder = '/'): Result<CommandLine, string> {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(argv)
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  const opens = positionals[0] === 'open'
  const command = positionals.length === 0 || opens ? null : commandOf(positionals, values.sha256 ?? null)
  if (typeof command === 'string') return err(command)
  const files = filesToOpen(opens ? positionals.slice(1) : [], folder)
  if (opens && files.length === 0) return err('Name the files: signing-station open FILE…')
  if (files.length > maxHandFiles) return err(`At most ${maxHandFiles} files at a time.`)
  const unsayable = files.find((path) => !handPath.safeParse(path).success)
  if (unsayable !== undefined) return err('The name of a file is too long or is not valid text; rename it.')
  const takesDigest = command?.kind === 'software-keys' && command.action === 'import'
  if (values.sha256 !== undefined && !takesDigest) return err('--sha256 belongs to “software-keys import”.')
  if (!values.doctor && (values.json || values.module.length > 0)) return err('--json and --module belong to --doctor')
  if (values.doctor && (command !== null || opens)) return err('--doctor takes no command')
  const relative = values.module.find((path) => !path.startsWith('/'))
  if (relative !== undefined) return err(`--module ${relative}: not an absolute path`)
  const doctor = values.doctor ? { json: values.json, modules: values.module } : null
  return ok({
    profile: values.profile ?? null,
    help: values.help,
    version: values.version,
    doctor,
    command,
    open: files,
  })
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false },
      doctor: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      module: { type: 'string', multiple: true, default: [] },
      sha256: { type: 'string' },
    },
  })
}

function filesToOpen(names: readonly string[], folder: string): readonly string[] {
  return names.map((name) => resolve(folder, name))
}

/** The command, or a sentence about what is wrong with it. */
function commandOf([kind, action, ...rest]: readonly string[], sha256: string | null): Command | string {
  if (kind === 'service-key' && rest.length === 0 && (action === 'new' || action === 'list' || action === 'reencrypt'))
    return { kind, action }
  if (kind === 'software-keys' && action === 'export' && rest.length === 0) return { kind, action }
  const [dump] = rest
  if (kind === 'software-keys' && (action === 'preview' || action === 'import')) {
    if (dump === undefined || rest.length > 1) return 'Give one file: the dump.'
    if (action === 'preview') return { kind, action, dump }
    if (sha256 === null || !/^[0-9a-f]{64}$/.test(sha256))
      return 'Give --sha256 with the digest that “software-keys preview” printed, so that what you looked at is what is taken.'
    return { kind, action, dump, sha256 }
  }
  return `There is no command “${[kind, action, ...rest].filter((word) => word !== undefined).join(' ')}”.`
}
