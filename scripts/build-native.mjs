// Compiles pkcs11js for the Node that the project pins. Must work under the machine's own, older Node.
//
// With the compiler alone, not with node-gyp: Debian's node-gyp links every module with Debian's libnode, and a module that brings
// Node 18 into a process of Node 24 crashes it (free(): invalid pointer). The module is Node-API only: three files, one header folder.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const pinned = join(root, 'node_modules', `node-linux-${process.arch}`)
const source = join(root, 'node_modules', 'pkcs11js')
const built = join(source, 'build', 'Release', 'pkcs11.node')

function fail(sentence) {
  console.error(`build-native: ${sentence}`)
  process.exit(1)
}

/** Loaded by the pinned Node, and linked with no other. */
function works(file) {
  if (!existsSync(file) || readFileSync(file).includes('libnode.so')) return false
  return (
    spawnSync(join(pinned, 'bin', 'node'), ['--eval', `require(${JSON.stringify(file)})`], { stdio: 'ignore' })
      .status === 0
  )
}

// Its binary is a package of its own, chosen by npm for the machine. Without it the station still works, and looks at USB instead of hearing.
const usb = ['--eval', `require(${JSON.stringify(join(root, 'node_modules', 'usb'))})`]
if (
  existsSync(join(pinned, 'bin', 'node')) &&
  spawnSync(join(pinned, 'bin', 'node'), usb, { stdio: 'ignore' }).status !== 0
)
  console.error('build-native: the usb package cannot be loaded here; the station will look at USB every two seconds')

if (works(built)) process.exit(0)
if (!existsSync(join(pinned, 'include', 'node', 'node_api.h'))) {
  fail(`${pinned} is missing: no pinned Node for ${process.platform}, ${process.arch}`)
}
mkdirSync(dirname(built), { recursive: true })
const unfinished = `${built}.unfinished`
// Flags and defines are those of its binding.gyp and of Node's own for modules.
const flags =
  '-std=gnu++20 -O2 -fPIC -pthread -fno-rtti -fno-exceptions -fno-strict-aliasing -fstack-protector-strong -Wl,-z,relro,-z,now'.split(
    ' ',
  )
const defines =
  '-DNODE_GYP_MODULE_NAME=pkcs11 -DBUILDING_NODE_EXTENSION -DNAPI_DISABLE_CPP_EXCEPTIONS -D_FILE_OFFSET_BITS=64'.split(
    ' ',
  )
const includes = [`-I${join(pinned, 'include', 'node')}`, `-I${join(source, 'includes')}`]
// Some of its .cpp files are included by others: only those that binding.gyp names are compiled.
const named = readFileSync(join(source, 'binding.gyp'), 'utf8').matchAll(/"(src\/\w+\.cpp)"/g)
const sources = Array.from(named, (match) => join(source, match[1]))
const compiled = spawnSync('g++', ['-shared', '-o', unfinished, ...flags, ...defines, ...includes, ...sources], {
  encoding: 'utf8',
})
if (compiled.error) fail(`g++ could not be started (apt-get install g++): ${compiled.error.message}`)
if (compiled.status !== 0) fail(`pkcs11js did not compile:\n${compiled.stderr.slice(0, 4000)}`)
renameSync(unfinished, built)
if (!works(built)) fail('pkcs11js was compiled, but the pinned Node cannot load it')
