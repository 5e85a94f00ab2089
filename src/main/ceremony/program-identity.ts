import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ProgramIdentity } from './ports.ts'

/**
 * Which program is running: the digest of the list of its files, which anybody makes again with
 * `find . -type f | LC_ALL=C sort | cut -c3- | xargs -d '\n' sha256sum | sha256sum` in its folder. Read when it is asked for: what is told is what
 * lies on the disk now.
 */
export async function programIdentity(folder: string, version: string, runtime: string): Promise<ProgramIdentity> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  const names = paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const list = createHash('sha256')
  for (const name of names) list.update(`${await digestOfFile(join(folder, name))}  ${name}\n`)
  return {
    version,
    sha256: list.digest('hex'),
    files: names.length,
    runtime,
    runtimeSha256: await digestOfFile(process.execPath),
  }
}

async function digestOfFile(path: string): Promise<string> {
  const digest = createHash('sha256')
  await pipeline(createReadStream(path), digest)
  return digest.digest('hex')
}
