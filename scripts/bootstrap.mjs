// One command from a fresh clone: finds what is missing, installs it, builds, and goes on with the Node that the project pins.
// Plain JavaScript: this file and scripts/bootstrap/ run under the machine's own Node, which is 18 on Debian 12.
//
//     node scripts/bootstrap.mjs setup | test | demo | test:debusine | test:usb | bench
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startXvfb } from './bootstrap/display.mjs'
import { buildBundles, buildNative, installNodePackages, pinnedNode, whyInstall } from './bootstrap/node-packages.mjs'
import { readableTree } from './bootstrap/readable-tree.mjs'
import { hasDisplay, installPackages, packagesFor } from './bootstrap/system-packages.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [mode, ...rest] = process.argv.slice(2)

function fail(sentence) {
  console.error(`bootstrap: ${sentence}`)
  process.exit(1)
}

function timed(what, work) {
  const started = Date.now()
  const problem = work()
  const seconds = (Date.now() - started) / 1000
  if (problem !== null) fail(problem)
  if (seconds >= 0.5) console.log(`bootstrap: ${what}, ${seconds.toFixed(1)} s`)
}

/** Runs one program with the pinned Node; resolves to its exit code. Signals are handed on. */
function run(tree, args, env) {
  return new Promise((resolve) => {
    const child = spawn(pinnedNode(tree), args, {
      cwd: tree,
      env: { ...env, PATH: `${join(tree, 'node_modules', '.bin')}:${env.PATH || '/usr/bin:/bin'}` },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('error', (error) => {
      console.error(`bootstrap: ${error.message}`)
      resolve(1)
    })
    child.on('close', (code, signal) => resolve(code === null ? 128 + constants.signals[signal] : code))
  })
}

if (packagesFor[mode] === undefined) fail(`say what to do: ${Object.keys(packagesFor).join(', ')}`)
if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
  fail(`the station runs on Linux, x64 or arm64; this is ${process.platform}, ${process.arch}. Nothing was changed.`)
}
if (Number(process.versions.node.split('.')[0]) < 18) {
  fail(`this is Node ${process.versions.node}; Debian 12 has 18, which is enough to start. Nothing was changed.`)
}

if (process.env.STATION_SYSTEM_PACKAGES !== 'present')
  timed('Debian packages', () => installPackages(packagesFor[mode]))
const why = whyInstall(root)
if (why !== null) {
  console.log(`bootstrap: npm ci, because ${why}`)
  timed('npm ci', () => installNodePackages(root))
}
timed('PKCS#11 binding', () => buildNative(root))
if (mode === 'setup') {
  console.log('bootstrap: ready; `npm run check` checks, `npm test` runs every test, `npm run demo` shows the station')
  process.exit(0)
}

if (mode === 'demo' || mode === 'bench') timed('build', () => buildBundles(root))
const tree = readableTree(root)
const env = { ...process.env }
let code = 1
let xvfb = null
try {
  if (!['bench', 'test:usb'].includes(mode) && !hasDisplay()) {
    xvfb = await startXvfb()
    env.DISPLAY = xvfb.display
    env.STATION_DEMO = 'tour'
  }
  if (mode === 'demo') {
    env.STATION_DEMO_OUTPUT = join(root, 'demo-output')
    code = await run(tree.root, [join(tree.root, 'scripts', 'demo.ts'), ...rest], env)
  } else if (mode === 'bench') {
    const folder = join(tree.root, 'bench')
    const files = existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
          .sort()
      : []
    if (files.length === 0) throw new Error('there is nothing in bench/')
    code = 0
    for (const file of files) code = (await run(tree.root, [join(folder, file), ...rest], env)) || code
  } else {
    code = await run(tree.root, [join(tree.root, 'scripts', 'testing', 'run-layers.ts'), mode], env)
  }
} catch (error) {
  console.error(`bootstrap: ${error.message}`)
} finally {
  if (xvfb !== null) xvfb.stop()
  tree.dispose()
}
process.exit(code)
