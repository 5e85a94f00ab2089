// The packages of node_modules, the compiled module and the three bundles. Plain JavaScript for Debian 12's own Node 18 and npm 9.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const read = (file) => JSON.parse(readFileSync(file, 'utf8'))

/**
 * Why node_modules is not what the lock file says, or null. npm writes node_modules/.package-lock.json as the last thing of an
 * installation, so an interrupted one is noticed too.
 */
export function whyInstall(root) {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return 'node_modules is not there'
  const installed = read(hidden).packages
  const locked = read(join(root, 'package-lock.json')).packages
  for (const [path, entry] of Object.entries(locked)) {
    if (path === '') continue
    const there = installed[path]
    if (there === undefined ? wanted(entry) : there.version !== entry.version)
      return `${path} differs from the lock file`
  }
  for (const path of Object.keys(installed)) {
    if (locked[path] === undefined) return `${path} is not in the lock file`
  }
  return existsSync(nodePackage(root)) ? null : 'the pinned Node is not there'
}

/** Whether this machine should have the package: an optional one only if it is for this system. */
function wanted(entry) {
  const fits = (list, value) => list === undefined || [list].flat().includes(value)
  if (!entry.optional) return true
  return (
    (entry.os !== undefined || entry.cpu !== undefined) &&
    fits(entry.os, process.platform) &&
    fits(entry.cpu, process.arch) &&
    !fits(entry.libc ?? 'none', 'musl')
  )
}

const nodePackage = (root) => join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')

/** Path of the Node that the lock file pins: a dependency like the others. */
export function pinnedNode(root) {
  return join(root, 'node_modules', '.bin', 'node')
}

/**
 * Makes `node` in node_modules/.bin the pinned one. npm 9 leaves the link out: the packages for x64 and arm64 both bring a `node`,
 * and taking away the one for the other machine takes the link along.
 */
function linkNode(root) {
  if (existsSync(pinnedNode(root))) return
  rmSync(pinnedNode(root), { force: true })
  symlinkSync(join('..', `node-linux-${process.arch}`, 'bin', 'node'), pinnedNode(root))
}

/**
 * The PATH and the Node of the machine, not of the project. npm puts node_modules/.bin first, and an older npm does not run under
 * the pinned Node; besides, `npm ci` takes that one away while it works.
 */
function machine(root) {
  const folders = (process.env.PATH || '/usr/bin:/bin')
    .split(':')
    .filter((folder) => !folder.includes('/node_modules/.bin'))
  const node = folders.map((folder) => join(folder, 'node')).find((path) => existsSync(path))
  const inside = process.execPath.startsWith(join(root, 'node_modules'))
  return {
    node: inside && node !== undefined ? node : process.execPath,
    env: { ...process.env, PATH: folders.join(':') },
  }
}

/** `npm ci` with the npm at hand. Returns null or a sentence. */
export function installNodePackages(root) {
  const { node, env } = machine(root)
  // npm tells its own path to the scripts that it runs; otherwise take it from PATH.
  const own = process.env.npm_execpath
  const [program, ...first] = own && own.endsWith('npm-cli.js') ? [node, own] : ['npm']
  // No install script of any package runs: the one module that has to be compiled is compiled by scripts/build-native.mjs.
  const args = [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const preload = `--require=${JSON.stringify(join(root, 'scripts', 'bootstrap', 'as-pinned-node.cjs'))}`
  const done = spawnSync(program, args, {
    cwd: root,
    env: { ...env, NODE_OPTIONS: `${env.NODE_OPTIONS || ''} ${preload}` },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (done.status === 0) return null
  return 'npm ci failed; its own message is above. It needs the npm registry, or a cache that has every package of package-lock.json.'
}

/** Compiles pkcs11js unless it is there. Returns null or a sentence. */
export function buildNative(root) {
  linkNode(root)
  const { node, env } = machine(root)
  const script = join(root, 'scripts', 'build-native.mjs')
  const done = spawnSync(node, [script], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
  return done.status === 0 ? null : 'The PKCS#11 binding could not be compiled; the message is above.'
}

/** Builds out/ unless it was made from exactly these sources. Returns null or a sentence. */
export function buildBundles(root) {
  const stamp = join(root, 'out', 'main', '.sources.sha256')
  const digest = sourcesDigest(root)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return null
  const done = spawnSync(
    pinnedNode(root),
    [join(root, 'node_modules', '.bin', 'electron-vite'), 'build', '--logLevel', 'warn'],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  if (done.status !== 0) return 'The program could not be built; the message is above.'
  mkdirSync(join(root, 'out', 'main'), { recursive: true })
  writeFileSync(stamp, digest)
  return null
}

function sourcesDigest(root) {
  const hash = createHash('sha256')
  const add = (path) => {
    const full = join(root, path)
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) add(join(path, name))
    } else {
      hash.update(`${path}\0`).update(readFileSync(full)).update('\0')
    }
  }
  for (const path of ['src', 'db', 'resources', 'electron.vite.config.ts', 'package.json', 'package-lock.json']) {
    if (existsSync(join(root, path))) add(path)
  }
  return hash.digest('hex')
}
