import { spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'
import { fetchKernel, initramfs } from './kernel.ts'

/** Files without which there is no machine, and the Debian package of each. */
const needed = {
  '/usr/bin/qemu-system-x86_64': 'qemu-system-x86',
  '/bin/busybox': 'busybox-static',
  '/usr/sbin/depmod': 'kmod',
  '/usr/bin/xz': 'xz-utils',
  '/usr/sbin/usbip': 'usbip',
  '/lib/systemd/systemd-udevd': 'udev',
  '/usr/sbin/pcscd': 'pcscd',
  '/usr/bin/sbverify': 'sbsigntool',
} as const

/** Why the machine cannot be had here, or null. */
export function whyNoMachine(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `the machine is emulated on Linux, x64; this is ${process.platform}, ${process.arch}`
  if (process.getuid?.() !== 0)
    return 'run it as root: the emulated machine has this machine’s files, and changes the accounts among them, which only root can read'
  const missing = Object.entries(needed).filter(([path]) => !existsSync(path))
  if (missing.length === 0) return null
  const packages = missing.map(([, name]) => name).join(' ')
  return `missing: ${missing.map(([path]) => path).join(', ')}. As root: apt-get install --no-install-recommends ${packages}`
}

export type GuestRun = {
  /** What the guest's script ended with; null: it did not end, or the machine did not start. */
  readonly code: number | null
  /** Seconds from the start of QEMU to its end. */
  readonly seconds: number
  readonly release: string
}

const root = join(import.meta.dirname, '..', '..')

/**
 * Starts a machine of its own and waits for its end: Debian's kernel under QEMU, emulated, so that it runs wherever tests run; for a
 * disk it has this machine's files, for reading, with memory laid over them. It runs `guest/start.sh`, and writes nothing but what
 * goes to `folder`: `console.log` is the kernel's, the others are the script's.
 */
export async function runGuest(folder: string, limitMs: number, given: object): Promise<GuestRun> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const kernel = await fetchKernel()
  await bundle(join(folder, 'program'))
  const archive = join(folder, 'initramfs.gz')
  await writeFile(archive, await initramfs(kernel, join(import.meta.dirname, 'guest', 'init')))
  // The script inside ends first, and keeps what it found out.
  await writeFile(join(folder, 'seconds'), String(Math.floor(limitMs / 1000) - 30))
  await writeFile(join(folder, 'given.json'), JSON.stringify(given))
  const started = performance.now()
  await emulate(kernel.image, archive, folder, limitMs)
  await rm(archive)
  const code = await readFile(join(folder, 'code'), 'utf8').catch(() => '')
  return {
    code: /^\d+$/.test(code.trim()) ? Number(code) : null,
    seconds: (performance.now() - started) / 1000,
    release: kernel.release,
  }
}

/** The scenario and the window as one file each: an emulated processor takes long to read hundreds. */
async function bundle(outDir: string): Promise<void> {
  const entry = (name: string) => join(import.meta.dirname, 'guest', name)
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      target: 'node24',
      minify: false,
      rolldownOptions: { input: { main: entry('main.ts'), window: entry('window.ts') } },
    },
  })
}

async function emulate(image: string, archive: string, folder: string, limitMs: number): Promise<void> {
  const share = (path: string, tag: string, access: string) => [
    '-virtfs',
    `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none,multidevs=remap${access}`,
  ]
  // Emulated: hardware acceleration is not to be had in every CI machine, and half of it in some.
  const processor = ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '2048']
  const devices = ['-nographic', '-nodefaults', '-no-reboot', '-serial', 'stdio', '-monitor', 'none']
  const system = ['-kernel', image, '-initrd', archive, '-append', `console=ttyS0 quiet panic=-1 station=${root}`]
  const disks = [...share('/', 'machine', ',readonly=on'), ...share(folder, 'out', '')]
  const arguments_ = [...processor, ...devices, ...system, ...disks]
  const child = spawn('/usr/bin/qemu-system-x86_64', arguments_, { stdio: ['ignore', 'pipe', 'pipe'] })
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const console = createWriteStream(join(folder, 'console.log'))
  child.stdout.pipe(console, { end: false })
  child.stderr.pipe(console, { end: false })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve())
  })
  clearTimeout(limit)
  console.end()
}
