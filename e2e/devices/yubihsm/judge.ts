import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { unpackSource } from '../../../scripts/debian-packages.ts'
import { efiCacheDir } from '../../../scripts/efi-files.ts'
import { startConnector } from './connector.ts'
import type { Firmware } from './firmware.ts'
import { VirtualYubiHsm } from './virtual-yubihsm.ts'

// The maker's own device tests (tests/device of python-yubihsm, from Debian's source package) against the virtual device, once for
// each firmware: `node e2e/devices/yubihsm/judge.ts [--firmware 2.4.0]... [-- pytest arguments]`. Two minutes each, because the tests
// wait for a real device to boot, and make hundreds of keys. Ends with 1 when a test fails.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { firmware: { type: 'string', multiple: true, default: ['2.2.0', '2.3.2', '2.4.0'] } },
})

/** What the tests need; cryptography 38 of Debian 12 cannot compare the attested keys. */
const pythonPackages = ['cryptography>=42', 'requests', 'pytest']

const source = await unpackSource('trixie', 'python-yubihsm')
if (!source.ok) {
  process.stderr.write(`judge: ${source.error}\n`)
  process.exit(2)
}
const python = await pythonWith(pythonPackages)

let failed = false
for (const text of values.firmware) {
  const [major = 2, minor = 4, patch = 0] = text.split('.').map(Number)
  const firmware: Firmware = [major, minor, patch]
  // Its time goes by with messages: on a loaded machine the 30 s of a session must not pass while a test waits for a processor.
  let messages = 0
  const device = new VirtualYubiHsm({ firmware, now: () => messages * 10 })
  const connector = await startConnector(device)
  connector.behave({
    kind: 'slow',
    until: async () => {
      messages += 1
    },
  })
  process.stdout.write(`\n== firmware ${firmware.join('.')}\n`)
  const args = [
    '-m',
    'pytest',
    'tests/device',
    '--backend',
    connector.url,
    '-q',
    '-p',
    'no:cacheprovider',
    ...positionals,
  ]
  failed = (await run(python, args, source.value)) !== 0 || failed
  await connector.kill()
}
process.exitCode = failed ? 1 : 0

/** An interpreter that has the packages: in an environment of its own, beside the other downloads. */
async function pythonWith(packages: readonly string[]): Promise<string> {
  const name = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)
  const folder = join(efiCacheDir(), 'python', name)
  const program = join(folder, 'bin', 'python')
  const imports = packages.map((one) => one.replace(/\W.*/, '')).join(', ')
  if ((await run(program, ['-c', `import ${imports}`], '/', 'ignore')) === 0) return program
  await mkdir(folder, { recursive: true })
  for (const [command, args] of [
    ['python3', ['-m', 'venv', folder]],
    [program, ['-m', 'pip', 'install', '--quiet', ...packages]],
  ] as const) {
    if ((await run(command, args, '/')) === 0) continue
    process.stderr.write(`judge: needs Python 3 with venv, and a package index: ${command} ${args.join(' ')} failed\n`)
    process.exit(2)
  }
  return program
}

function run(command: string, args: readonly string[], cwd: string, stdio: 'inherit' | 'ignore' = 'inherit') {
  return new Promise<number>((resolve) => {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: cwd }
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', stdio, stdio] })
    child.on('error', () => resolve(-1))
    child.on('close', (code) => resolve(code ?? -1))
  })
}
