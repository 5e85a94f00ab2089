import { spawn } from 'node:child_process'

/**
 * Starts an X server in memory, on a display number that it finds itself, and waits until it listens. Only local programs can
 * reach it. Resolves to `{ display, stop }`.
 */
export function startXvfb() {
  return new Promise((resolve, reject) => {
    // -displayfd 3: it writes the number of its display to descriptor 3 when it is ready.
    // --pdeathsig: it ends with this process, even if that is killed without a chance to clean up.
    const xvfb = ['Xvfb', '-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp', '-noreset']
    const server = spawn('setpriv', ['--pdeathsig', 'TERM', ...xvfb], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
    let said = ''
    let number = ''
    server.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-2000)
    })
    server.on('error', (error) => reject(new Error(`Xvfb could not be started: ${error.message}`)))
    server.on('exit', (code) => reject(new Error(`Xvfb ended with ${code}: ${said.trim()}`)))
    server.stdio[3].on('data', (chunk) => {
      number += chunk
      if (!number.endsWith('\n')) return
      // The pipes must not keep this process alive once its work is done.
      server.unref()
      server.stderr.unref()
      server.stdio[3].unref()
      resolve({ display: `:${number.trim()}`, stop: () => server.kill('SIGTERM') })
    })
  })
}
