// In place of the process of a folder: opens the pipe there for reading, which holds it in the kernel as a dead medium does.
import { openSync } from 'node:fs'
import { join } from 'node:path'

process.stdin.once('data', () => {
  openSync(join(process.argv[2] ?? '', 'pipe'), 'r')
})
