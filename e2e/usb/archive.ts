/** An entry of an archive for the kernel: a folder has no content. */
export type ArchiveEntry = { readonly path: string; readonly mode: number; readonly content: Uint8Array | null }

const folderType = 0o040000
const fileType = 0o100000

/** The cpio format that Linux unpacks at its start (Documentation/driver-api/early-userspace/buffer-format.rst, `newc`). */
export function cpio(entries: readonly ArchiveEntry[]): Buffer {
  const parts: Uint8Array[] = []
  let inode = 0
  const add = (path: string, mode: number, content: Uint8Array) => {
    inode += 1
    const name = Buffer.from(`${path}\0`)
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0]
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`)
    parts.push(padded(Buffer.concat([header, name])), padded(content))
  }
  for (const { path, mode, content } of entries)
    add(path, mode | (content === null ? folderType : fileType), content ?? new Uint8Array())
  add('TRAILER!!!', 0, new Uint8Array())
  return Buffer.concat(parts)
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
