import { constants } from 'node:fs'
import { access, open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** The machine and the user as the doctor sees them. Tests give a folder of their own as `root`. */
export type Machine = {
  /** What stands before every path that is read: empty on a real machine. Never in what is told. */
  readonly root: string
  readonly uid: number
  /** The account's name, or its number. */
  readonly user: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where the maker's connector listens unless somebody says otherwise. */
  readonly usualConnector: string
  /** Node's `process.arch`. */
  readonly architecture: string
}

const maxFileBytes = 64 * 1024

/** A file's text, at most 64 kB of it; null where it cannot be read. */
export async function readText(machine: Machine, path: string): Promise<string | null> {
  try {
    // Not blocking: some of what is looked at lies where others can put a FIFO.
    const file = await open(join(machine.root, path), constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxFileBytes), 0, maxFileBytes, 0)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}

export async function isThere(machine: Machine, path: string): Promise<boolean> {
  return access(join(machine.root, path)).then(
    () => true,
    () => false,
  )
}

export async function canUse(machine: Machine, path: string): Promise<boolean> {
  return access(join(machine.root, path), constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
}

export async function namesIn(machine: Machine, path: string): Promise<readonly string[] | null> {
  return readdir(join(machine.root, path)).catch(() => null)
}

export async function linkOf(machine: Machine, path: string): Promise<string | null> {
  return readlink(join(machine.root, path)).catch(() => null)
}

/** `/dev/bus/usb/001/009`. */
export function nodeOf(device: { readonly bus: number; readonly address: number }): string {
  const three = (value: number) => String(value).padStart(3, '0')
  return `/dev/bus/usb/${three(device.bus)}/${three(device.address)}`
}
