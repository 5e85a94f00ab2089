import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { runCommand } from './commands.ts'
import { startSandboxServer } from './sandbox-server.ts'

// The sandbox server as a process of its own: one line of JSON says where it is, then a command a line on standard input
// is answered by a line. It ends when its standard input ends, so that it does not outlive whoever started it.
const { values } = parseArgs({
  options: {
    dialect: { type: 'string' },
    dir: { type: 'string' },
    port: { type: 'string', default: '0' },
    'scheduler-ms': { type: 'string', default: '500' },
  },
})
const { dialect, dir } = values
if ((dialect !== '0.11' && dialect !== '0.16') || dir === undefined) {
  process.stderr.write('usage: main.ts --dialect 0.11|0.16 --dir DIR [--port N] [--scheduler-ms N]\n')
  process.exit(2)
}
const server = await startSandboxServer({
  dialect,
  port: Number(values.port),
  schedulerMs: Number(values['scheduler-ms']),
})
const caFile = join(dir, 'sandbox-ca.pem')
await writeFile(caFile, server.caPem)
say({
  ready: true,
  dialect,
  apiUrl: server.apiUrl,
  origin: server.origin,
  caFile,
  scope: server.scope,
  workspace: server.workspace,
  userToken: server.userToken,
  submitterToken: server.submitterToken,
  intruderToken: server.intruderToken,
})

process.on('SIGINT', () => process.stdin.destroy())
process.on('SIGTERM', () => process.stdin.destroy())
const lines = createInterface({ input: process.stdin })
for await (const line of lines) {
  if (line.trim() !== '') say(await runCommand(server, line))
}
await server.stop()

function say(value: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
