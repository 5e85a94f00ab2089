import { Worker } from 'node:worker_threads'
import { leashDescriptor } from '../protocol.ts'

/**
 * Kills this process when main is gone. On a thread of its own: a native module, or a file of the kernel that waits for a device,
 * can hold up the main thread.
 */
export function watchLeash(): void {
  const worker = new Worker(
    `const leash = new (require('node:net').Socket)({ fd: ${leashDescriptor}, readable: true, writable: false })
     const kill = () => process.kill(process.pid, 'SIGKILL')
     leash.on('end', kill).on('error', kill).on('close', kill).resume()`,
    { eval: true, stdin: false, stdout: false, stderr: false, name: 'leash' },
  )
  worker.on('error', () => process.kill(process.pid, 'SIGKILL'))
  worker.unref()
}
