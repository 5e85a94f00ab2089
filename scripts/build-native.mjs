// Builds pkcs11js against the Node that the project pins. Runs as `postinstall`; must work under the machine's own, older Node.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const headers = join(root, 'node_modules', `node-linux-${process.arch}`)
const target = join(root, 'node_modules', 'pkcs11js')

if (!existsSync(join(headers, 'include', 'node', 'node_api.h'))) {
  console.error(
    `build-native: ${headers} is missing; this platform (${process.platform}/${process.arch}) has no pinned Node`,
  )
  process.exit(1)
}
if (existsSync(join(target, 'build', 'Release', 'pkcs11.node'))) process.exit(0)

// The variable, not `--nodedir`: it beats a `nodedir` in the user's npmrc, and without it node-gyp downloads headers.
const built = spawnSync('node-gyp', ['rebuild'], {
  cwd: target,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, npm_config_nodedir: headers },
})
if (built.status !== 0) {
  console.error(
    'build-native: pkcs11js did not compile; needs python3, make and g++ (apt-get install python3 make g++)',
  )
  process.exit(1)
}
createRequire(import.meta.url)(target)
