import type { ByteSource } from './byte-source.ts'
import { inspectedText, untilZero } from './inspected-text.ts'

// Linux Documentation/arch/x86/boot.rst: "HdrS" at 0x202, kernel_version at 0x20e as an offset less 0x200.
const maxVersion = 512

/** The version text of an x86 Linux image, for example `6.12.107+deb13-cloud-amd64 (…) Debian 6.12.107-1 (2026-08-29)`. */
export function kernelVersion(source: ByteSource): string | null {
  if (ascii(source.read(0x202, 4)) !== 'HdrS') return null
  const [low = 0, high = 0] = source.read(0x20e, 2)
  const offset = low + high * 256
  if (offset === 0) return null
  const version = untilZero(source.read(offset + 0x200, maxVersion))
  return version.length === 0 ? null : inspectedText(version, maxVersion).text
}

/** Whether a PE image is a Linux kernel: x86 setup header, arm64 Image header (booting.rst), or a compressed EFI kernel (zboot-header.S). */
export function isLinuxKernel(source: ByteSource): boolean {
  return (
    ascii(source.read(0x202, 4)) === 'HdrS' ||
    ascii(source.read(0x38, 4)) === 'ARM\x64' ||
    ascii(source.read(0x30, 8)) === 'RISCV\0\0\0' ||
    ascii(source.read(4, 4)) === 'zimg'
  )
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
