// Loaded into npm alone (`--require`). npm leaves out, without a word, every optional package whose `engines` does not fit the Node
// that runs npm: on Debian 12 the linter's and the bundler's binaries. But the packages will be run by the pinned Node: tell npm so.
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const pinned = readFileSync(join(__dirname, '..', '..', '.node-version'), 'utf8').trim()
Object.defineProperty(process, 'version', { value: `v${pinned}` })
