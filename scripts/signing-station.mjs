#!/usr/bin/env node
// The command `signing-station` of a checkout: the built program, with the Node that the project pins. Plain JavaScript: it starts
// under whatever Node is first on the PATH.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
const main = join(root, 'out', 'main', 'index.js')
for (const [path, command] of [
  [node, 'npm run setup'],
  [main, 'npm run build'],
]) {
  if (existsSync(path)) continue
  console.error(`signing-station: ${path} is missing; run \`${command}\` in ${root} first.`)
  process.exit(1)
}
const station = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => station.kill(signal))
station.on('close', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
