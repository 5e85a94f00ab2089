/** The first bytes of a shared library for some machine: all that is ever read of one that is not loaded. */
export function elfHeader(options: {
  readonly bits: 32 | 64
  readonly machine: number
  readonly type?: number
}): Buffer {
  const header = Buffer.alloc(64)
  header.set([0x7f, 0x45, 0x4c, 0x46, options.bits === 32 ? 1 : 2, 1, 1])
  header.writeUInt16LE(options.type ?? 3, 16)
  header.writeUInt16LE(options.machine, 18)
  return header
}

export const x64Library = elfHeader({ bits: 64, machine: 62 })
export const armLibrary = elfHeader({ bits: 32, machine: 40 })
