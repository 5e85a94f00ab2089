import { readFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programArguments } from './app/program-arguments.ts'
import { whyNoDoctor, whyNotThisNode, whyNotThisUser } from './app/refusals.ts'
import { parseCommandLine, usage } from './config/command-line.ts'
import { exitCodes } from './config/exit-codes.ts'
import { profileAt } from './config/profile.ts'
import { stderrLog } from './log/logger.ts'

const here = dirname(fileURLToPath(import.meta.url))

function stop(code: number, text: string): never {
  ;(code === 0 ? process.stdout : process.stderr).write(text.endsWith('\n') ? text : `${text}\n`)
  process.exit(code)
}

const wanted = parseCommandLine(programArguments(process), process.cwd())
const whyNot = wanted.ok && wanted.value.doctor !== null ? whyNoDoctor : whyNotThisUser
const refusal = whyNotThisNode(process.versions) ?? whyNot(process.getuid?.(), process.geteuid?.())
const manifest: { version: string } = JSON.parse(readFileSync(join(here, '../../package.json'), 'utf8'))
if (!wanted.ok) stop(exitCodes.refused, `${wanted.error}\n\n${usage}`)
if (wanted.value.help) stop(exitCodes.closed, usage)
if (wanted.value.version) stop(exitCodes.closed, manifest.version)
if (refusal !== null) stop(exitCodes.refused, refusal)

const log = stderrLog()
process.on('unhandledRejection', (error) => log('program.defect', { error }))

const profile = profileAt(wanted.value.profile, process.env)
const tokenHost = join(here, 'token-host.js')
const { command } = wanted.value
if (command !== null) {
  // As below: loaded only now.
  const { runCommand } = await import('./commands/run-command.ts')
  process.exit(
    await runCommand(command, profile, {
      tokenHost,
      root: import.meta.url,
      node: plainNode(),
      log,
    }),
  )
}

// Loaded only now: the database's native module ends an unsuitable Node without a word.
if (wanted.value.doctor !== null) {
  const { runDoctor } = await import('./doctor-command.ts')
  const command = { profile, tokenHost, node: plainNode(), ...wanted.value.doctor }
  process.exit(
    await runDoctor(
      command,
      (text) => writeSync(1, text),
      (text) => writeSync(2, text),
    ),
  )
}
const { runProgram } = await import('./program.ts')
const code = await runProgram(
  profile,
  {
    root: import.meta.url,
    rendererDir: join(here, '../renderer'),
    preloadFile: join(here, '../preload/index.cjs'),
    sbatLevelFile: join(here, '../../resources/sbat-level.json'),
    attestationRootsFolder: join(here, '../../resources/attestation-roots'),
    tokenHost,
    deviceLogHost: join(here, 'device-log-host.js'),
    hsmHost: join(here, 'hsm-host.js'),
    ceremonyScripts: join(here, '../../resources/ceremonies'),
    node: plainNode(),
    version: manifest.version,
  },
  process.env['ELECTRON_RENDERER_URL'] ?? null,
  log,
  wanted.value.open,
)
process.exit(code)

/** Under Node the one that runs this; under Electron the Node that is shipped beside the program (docs/adr/0003). */
function plainNode(): string {
  if (!('electron' in process.versions)) return process.execPath
  const shipped =
    'resourcesPath' in process && typeof process.resourcesPath === 'string' ? join(process.resourcesPath, 'node') : null
  return process.env['SIGNING_STATION_NODE'] || shipped || join(here, '../../node_modules/.bin/node')
}
