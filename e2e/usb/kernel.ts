import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { efiCacheDir, reasonOf } from '../../scripts/efi-files.ts'
import { aptOfThisMachine } from '../../scripts/efi-files-apt.ts'
import { type ArchiveEntry, cpio } from './archive.ts'

const run = promisify(execFile)

/** Debian's kernel with its modules, unpacked and not installed. */
export type Kernel = {
  readonly release: string
  readonly image: string
  /** `lib/modules/RELEASE` of the package. */
  readonly modules: string
}

/** What the guest needs to see the machine's files, to lay its own over them, and to have a USB host controller. */
const wantedModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'usbcore', 'vhci-hcd']

const flavour = { x64: 'linux-image-amd64' } as const

/** The kernel that this machine's Debian would install, with apt, into the folder of the other downloads. Throws with apt's reason. */
export async function fetchKernel(cacheDir: string = efiCacheDir()): Promise<Kernel> {
  const meta = flavour.x64
  try {
    const apt = await aptOfThisMachine(cacheDir, meta)
    const name = (await apt.dependencies(meta)).find((one) => /^linux-image-[0-9].*-amd64$/.test(one))
    const version = name === undefined ? undefined : (await apt.candidates([name])).get(name)
    if (name === undefined || version === undefined) throw new Error(`no source of this machine has ${meta}`)
    return await kernelIn(await apt.unpacked(name, version))
  } catch (error) {
    throw new Error(`The Debian package ${meta} could not be downloaded: ${reasonOf(error)}`, { cause: error })
  }
}

async function kernelIn(root: string): Promise<Kernel> {
  // Debian 13 has it below /usr.
  const base = [join(root, 'usr'), root].find((folder) => existsSync(join(folder, 'lib', 'modules')))
  const [release] = base === undefined ? [] : await readdir(join(base, 'lib', 'modules'))
  if (base === undefined || release === undefined) throw new Error(`there are no modules in ${root}`)
  const modules = join(base, 'lib', 'modules', release)
  // The package's own script does this when it is installed.
  if (!existsSync(join(modules, 'modules.dep'))) await run('/usr/sbin/depmod', ['-b', base, release])
  return { release, image: join(root, 'boot', `vmlinuz-${release}`), modules }
}

/** The archive that the kernel starts from: busybox, the modules in the order in which they load, and `init`. */
export async function initramfs(kernel: Kernel, init: string): Promise<Buffer> {
  const files = await filesOf(kernel)
  const folders = ['bin', 'proc', 'sys', 'dev', 'new', 'modules']
  const entries: ArchiveEntry[] = [
    ...folders.map((path) => ({ path, mode: 0o755, content: null })),
    { path: 'bin/busybox', mode: 0o755, content: await readFile('/bin/busybox') },
    { path: 'init', mode: 0o755, content: await readFile(init) },
  ]
  const names: string[] = []
  for (const file of files) {
    const name = basename(file).replace(/\.xz$/, '')
    names.push(name)
    entries.push({ path: `modules/${name}`, mode: 0o644, content: await uncompressed(join(kernel.modules, file)) })
  }
  entries.push({ path: 'modules/order', mode: 0o644, content: Buffer.from(`${names.join('\n')}\n`) })
  return gzipSync(cpio(entries), { level: 1 })
}

/** `modules.dep`: a module, and what it needs, the last of which comes first. */
async function filesOf({ modules }: Kernel): Promise<readonly string[]> {
  const dependencies = new Map<string, { readonly file: string; readonly needs: readonly string[] }>()
  for (const line of (await readFile(join(modules, 'modules.dep'), 'utf8')).split('\n')) {
    const [file, needs] = line.split(':')
    if (file === undefined || needs === undefined) continue
    dependencies.set(moduleName(file), { file, needs: needs.split(' ').filter((one) => one !== '') })
  }
  const builtIn = (await readFile(join(modules, 'modules.builtin'), 'utf8')).split('\n').map(moduleName)
  const order: string[] = []
  for (const wanted of wantedModules) {
    const found = dependencies.get(moduleName(wanted))
    if (found === undefined) {
      if (builtIn.includes(moduleName(wanted))) continue
      throw new Error(`this kernel has no module ${wanted}`)
    }
    for (const file of [...found.needs.toReversed(), found.file]) if (!order.includes(file)) order.push(file)
  }
  return order
}

function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(?:\.xz)?$/, '')
    .replaceAll('-', '_')
}

async function uncompressed(file: string): Promise<Uint8Array> {
  if (!file.endsWith('.xz')) return await readFile(file)
  const { stdout } = await run('/usr/bin/xz', ['-dc', file], { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 })
  return stdout
}
