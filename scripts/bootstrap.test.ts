import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const node = join(root, 'node_modules', '.bin', 'node')

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'station-bootstrap-'))
  chmodSync(folder, 0o755)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function put(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
  chmodSync(join(folder, file), mode)
}

/** Runs bootstrap as somebody who is not root, on a machine whose programs are the ones in `folder/bin`. */
function bootstrap(mode: string): { readonly status: number | null; readonly said: string } {
  const command = [process.execPath, join(root, 'scripts', 'bootstrap.mjs'), mode]
  const asPlainUser = ['setpriv', '--reuid=20001', '--regid=20001', '--clear-groups', '--no-new-privs', ...command]
  const [program = '', ...args] = process.getuid?.() === 0 ? asPlainUser : command
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder },
  })
  return { status: done.status, said: done.stdout + done.stderr }
}

describe('bootstrap', () => {
  it('tells a user without sudo the one command to ask for, and changes nothing', () => {
    put('bin/dpkg-query', '#!/bin/sh\nexit 1\n', 0o755)
    put('bin/sudo', '#!/bin/sh\nexit 1\n', 0o755)
    put('bin/apt-get', `#!/bin/sh\necho apt-get was run\n`, 0o755)
    const { status, said } = bootstrap('setup')
    expect(status).toBe(1)
    expect(said).toContain('sudo apt-get install -y --no-install-recommends g++\n')
    expect(said).not.toContain('apt-get was run')
  })

  it('installs through sudo where it asks for no password', () => {
    put('bin/dpkg-query', '#!/bin/sh\nexit 1\n', 0o755)
    put('bin/sudo', `#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n`, 0o755)
    put('bin/env', '#!/bin/sh\necho "$@" >&2\nexit 1\n', 0o755)
    const { status, said } = bootstrap('setup')
    expect(status).toBe(1)
    expect(said).toContain('DEBIAN_FRONTEND=noninteractive apt-get install')
    expect(said).toContain('could not install g++')
  })

  it('says what it can do when it is asked for something else', () => {
    const { status, said } = bootstrap('deploy')
    expect(status).toBe(1)
    expect(said).toContain('say what to do: setup, test, demo')
  })
})

describe('node_modules', () => {
  const lock = (packages: Record<string, unknown>) => JSON.stringify({ lockfileVersion: 3, packages })
  const arm = process.arch === 'arm64'
  const mine = `node_modules/node-linux-${process.arch}`
  const other = `node_modules/node-linux-${arm ? 'x64' : 'arm64'}`
  const entries = {
    'node_modules/zod': { version: '4.6.7' },
    [mine]: { version: '24.21.0', optional: true, os: ['linux'], cpu: [process.arch] },
    [other]: { version: '24.21.0', optional: true, os: ['linux'], cpu: [arm ? 'x64' : 'arm64'] },
    'node_modules/musl-only': { version: '1.0.0', optional: true, os: ['linux'], cpu: [process.arch], libc: ['musl'] },
  }
  const installed = Object.fromEntries(Object.entries(entries).slice(0, 2))

  function whyInstall(): string | null {
    const script = `import { whyInstall } from ${JSON.stringify(join(root, 'scripts', 'bootstrap', 'node-packages.mjs'))}; console.log(JSON.stringify(whyInstall(${JSON.stringify(folder)})))`
    const done = spawnSync(node, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
    return JSON.parse(done.stdout) as string | null
  }

  beforeEach(() => {
    put('package-lock.json', lock({ '': {}, ...entries }))
    put(`${mine}/bin/node`, '')
  })

  it('is left alone when it has what the lock file wants on this machine', () => {
    put('node_modules/.package-lock.json', lock(installed))
    expect(whyInstall()).toBeNull()
  })

  it('is installed when it is not there, or was interrupted', () => {
    expect(whyInstall()).toBe('node_modules is not there')
  })

  it('is installed anew when a version differs, a package is gone, or one is there that the lock file does not know', () => {
    put('node_modules/.package-lock.json', lock({ ...installed, 'node_modules/zod': { version: '4.6.6' } }))
    expect(whyInstall()).toBe('node_modules/zod differs from the lock file')
    put('node_modules/.package-lock.json', lock({ [mine]: installed[mine] }))
    expect(whyInstall()).toBe('node_modules/zod differs from the lock file')
    put('node_modules/.package-lock.json', lock({ ...installed, 'node_modules/extra': { version: '1.0.0' } }))
    expect(whyInstall()).toBe('node_modules/extra is not in the lock file')
  })

  it('is installed anew when npm left out an optional package of this machine', () => {
    put('node_modules/.package-lock.json', lock({ 'node_modules/zod': installed['node_modules/zod'] }))
    expect(whyInstall()).toBe(`${mine} differs from the lock file`)
  })
})

describe('npm', () => {
  it('is told the version of the Node that the packages will run under', () => {
    const preload = join(root, 'scripts', 'bootstrap', 'as-pinned-node.cjs')
    const done = spawnSync(process.execPath, ['--require', preload, '--print', 'process.version'], { encoding: 'utf8' })
    expect(done.stdout.trim()).toBe(`v${readFileSync(join(root, '.node-version'), 'utf8').trim()}`)
  })
})
