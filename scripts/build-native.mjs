// Builds pkcs11js against the Node that the project pins. Must work under the machine's own, older Node and npm.
import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const headers = join(root, 'node_modules', `node-linux-${process.arch}`)
const target = join(root, 'node_modules', 'pkcs11js')

if (!existsSync(join(headers, 'include', 'node', 'node_api.h'))) {
  console.error(`build-native: ${headers} is missing: no pinned Node for ${process.platform}, ${process.arch}`)
  process.exit(1)
}
if (existsSync(join(target, 'build', 'Release', 'pkcs11.node'))) process.exit(0)

/**
 * The node-gyp that comes with npm: beside npm (its own copy), or Debian's package, which its npm depends on. Run with this
 * process's Node, not through its `#!` line: on the PATH of npm's scripts `node` is the pinned one, newer than Debian's node-gyp.
 */
function findNodeGyp() {
  const places = []
  if (process.env.npm_execpath) {
    places.push(join(dirname(process.env.npm_execpath), '..', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'))
  }
  for (const folder of (process.env.PATH || '').split(delimiter)) {
    places.push(join(folder, 'node-gyp'))
    const npm = join(folder, 'npm')
    if (existsSync(npm))
      places.push(join(dirname(realpathSync(npm)), '..', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'))
  }
  const found = places.find((path) => existsSync(path) && realpathSync(path).endsWith('.js'))
  return found === undefined ? null : realpathSync(found)
}

const nodeGyp = findNodeGyp()
if (nodeGyp === null) {
  console.error('build-native: node-gyp was not found; it comes with npm (Debian: apt-get install npm)')
  process.exit(1)
}
// The variable, not `--nodedir`: it beats a `nodedir` in the user's npmrc, and without it node-gyp downloads headers.
const built = spawnSync(process.execPath, [nodeGyp, 'rebuild'], {
  cwd: target,
  encoding: 'utf8',
  env: { ...process.env, npm_config_nodedir: headers },
})
if (built.status !== 0) {
  console.error(built.stdout + built.stderr)
  console.error('build-native: pkcs11js did not compile; it needs python3, make and g++')
  process.exit(1)
}
createRequire(import.meta.url)(target)
