import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { InspectedAs } from './protocol.ts'

/**
 * How the inspector process is held. Innermost, always: Node's permission model (no file may be opened but its own code, nothing
 * written, no child, no worker, no addon) and a heap limit. Around it, where the machine has them: limits of the kernel (prlimit of util-linux), and
 * user, network, process and IPC namespaces of its own (unshare): no network, no signal to another process. Kernels or policies that deny
 * unprivileged user namespaces leave the last part out; then a *compromised* inspector could open a socket, and the log says so at the start.
 */
export interface Confinement {
  readonly namespaces: boolean
  readonly limits: boolean
}

const unshare = '/usr/bin/unshare'
const prlimit = '/usr/bin/prlimit'

const unshareArguments = ['--user', '--net', '--pid', '--ipc', '--fork', '--kill-child', '--']
const prlimitArguments = ['--core=0', '--fsize=0', '--nofile=64', `--data=${1024 ** 3}`, '--cpu=120', '--']

/** Tries once what this machine allows. */
export function probeConfinement(): Confinement {
  const works = (file: string, args: readonly string[]): boolean =>
    existsSync(file) &&
    spawnSync(file, [...args, '/bin/true'], { env: {}, stdio: 'ignore', timeout: 5000 }).status === 0
  return { namespaces: works(unshare, unshareArguments), limits: works(prlimit, prlimitArguments) }
}

/** The command line of one inspection. `nodePath` is the shipped Node, never Electron's executable. */
export function confinedCommand(
  nodePath: string,
  entry: URL,
  confinement: Confinement,
  as: InspectedAs = 'image',
): readonly [file: string, ...args: string[]] {
  const node = [
    nodePath,
    '--permission',
    ...readablePaths(entry).map((path) => `--allow-fs-read=${path}`),
    '--max-old-space-size=256',
    '--max-semi-space-size=4',
    '--disallow-code-generation-from-strings',
    '--no-addons',
    fileURLToPath(entry),
    as,
  ]
  const limited = confinement.limits ? [prlimit, ...prlimitArguments, ...node] : node
  const [file, ...args] = confinement.namespaces ? [unshare, ...unshareArguments, ...limited] : limited
  // The list begins with a program in each case above.
  return [file ?? nodePath, ...args]
}

/** The code that the process has to load: the folder of the bundle; run from source, the source tree and its packages. */
function readablePaths(entry: URL): readonly string[] {
  if (!entry.pathname.endsWith('.ts')) return [fileURLToPath(new URL('./', entry))]
  return ['src/', 'node_modules/', 'package.json'].map((path) => fileURLToPath(new URL(`../../../../${path}`, entry)))
}
