// `npm run check`: format, lint, types and unit tests, with the Node that the project pins. Installs nothing.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const node = join(root, 'node_modules', '.bin', 'node')
if (!existsSync(node)) {
  console.error('check: the packages are not installed; run `npm run setup` first')
  process.exit(1)
}
const done = spawnSync(node, [join(root, 'scripts', 'testing', 'run-layers.ts'), 'check'], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
process.exit(done.status ?? 1)
