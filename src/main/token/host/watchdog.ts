import { Worker } from 'node:worker_threads'
import { descriptors } from '../protocol.ts'

/**
 * Kills this process when main is gone. The main thread cannot notice that while a module hangs in C, so a second thread, which
 * knows nothing of PKCS#11, waits for the end of a pipe that main holds. SIGKILL, because a hanging module lets nothing else
 * through, and because no exit handler of a vendor's library may run while one of its calls is under way.
 */
export function watchLeash(): void {
  const worker = new Worker(
    `const leash = new (require('node:net').Socket)({ fd: ${descriptors.leash}, readable: true, writable: false })
     const kill = () => process.kill(process.pid, 'SIGKILL')
     leash.on('end', kill).on('error', kill).on('close', kill).resume()`,
    { eval: true, stdin: false, stdout: false, stderr: false, name: 'leash' },
  )
  worker.on('error', killSelf)
  worker.unref()
}

export function killSelf(): void {
  process.kill(process.pid, 'SIGKILL')
}
