import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { ModuleFileState } from '../../shared/modules.ts'

/** What an ELF file is made for (System V ABI, chapter 4, "ELF header"). */
type Machine = { readonly bits: 32 | 64; readonly order: 'little' | 'big'; readonly machine: number }

const headerBytes = 20
const sharedObject = 3

/** e_machine numbers of Debian's architectures. */
const names = new Map<number, string>([
  [3, 'x86'],
  [8, 'MIPS'],
  [20, 'PowerPC'],
  [21, 'PowerPC'],
  [22, 's390'],
  [40, 'ARM'],
  [62, 'x86-64'],
  [183, 'ARM64'],
  [243, 'RISC-V'],
  [258, 'LoongArch'],
])

/** Node's `process.arch` → what a library for it says. */
const machines: Readonly<Record<string, Machine>> = {
  x64: { bits: 64, order: 'little', machine: 62 },
  arm64: { bits: 64, order: 'little', machine: 183 },
  arm: { bits: 32, order: 'little', machine: 40 },
  ia32: { bits: 32, order: 'little', machine: 3 },
  riscv64: { bits: 64, order: 'little', machine: 243 },
  loong64: { bits: 64, order: 'little', machine: 258 },
  ppc64: { bits: 64, order: 'little', machine: 21 },
  s390x: { bits: 64, order: 'big', machine: 22 },
}

/** Whether this program could load the file: read from its first bytes, and not loaded. `architecture` is Node's `process.arch`. */
export async function examineLibrary(path: string, architecture: string): Promise<ModuleFileState> {
  const header = await readHeader(path)
  if (typeof header === 'string') return { kind: header }
  const library = machineOf(header)
  const own = machines[architecture]
  if (library === null) return { kind: 'not-a-library' }
  if (own === undefined || isSame(own, library)) return { kind: 'fits' }
  return { kind: 'wrong-architecture', library: words(library), machine: words(own) }
}

async function readHeader(path: string): Promise<Buffer | 'missing' | 'unreadable' | 'not-a-library'> {
  try {
    // Not blocking: a FIFO that somebody put there would hold the reader for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      if (!(await file.stat()).isFile()) return 'not-a-library'
      const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'unreadable'
  }
}

function machineOf(header: Buffer): Machine | null {
  if (header.length < headerBytes || header.readUInt32BE(0) !== 0x7f454c46) return null
  const [bits, order] = [header[4], header[5]]
  if ((bits !== 1 && bits !== 2) || (order !== 1 && order !== 2)) return null
  const read = (at: number) => (order === 1 ? header.readUInt16LE(at) : header.readUInt16BE(at))
  if (read(16) !== sharedObject) return null
  return { bits: bits === 1 ? 32 : 64, order: order === 1 ? 'little' : 'big', machine: read(18) }
}

function isSame(one: Machine, other: Machine): boolean {
  return one.bits === other.bits && one.order === other.order && one.machine === other.machine
}

function words({ bits, order, machine }: Machine): string {
  const name = names.get(machine) ?? `machine ${machine}`
  return `${bits}-bit ${name}${order === 'big' && machine !== 22 ? ', big-endian' : ''}`
}
