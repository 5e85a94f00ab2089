import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { err, ok, type Result } from '../src/shared/result.ts'
import { efiCacheDir, reasonOf } from './efi-files.ts'
import { aptOfSuite, aptSourcesOfSuite } from './efi-files-apt.ts'

const run = promisify(execFile)

/** Folders that packages are unpacked in, by name: the system's file tree begins in each. */
export type UnpackedPackages = ReadonlyMap<string, string>

/**
 * Packages of another suite of Debian, unpacked and not installed, with the mirror that this machine uses and in the folder in which its
 * other downloads are. All of them or the reason why not, for what needs them to skip with.
 */
export async function unpackPackages(
  suite: string,
  names: readonly string[],
  cacheDir: string = efiCacheDir(),
): Promise<Result<UnpackedPackages, string>> {
  const [probe] = names
  if (probe === undefined) return ok(new Map())
  const found = join(cacheDir, suite, `found-${hash('sha256', names.join(' ')).slice(0, 12)}.json`)
  const known = await readFound(found)
  if (known !== null) return ok(known)
  try {
    const apt = await aptOfSuite(cacheDir, suite, probe)
    const versions = await apt.candidates(names)
    const roots = new Map<string, string>()
    for (const name of names) {
      const version = versions.get(name)
      if (version === undefined) return err(`${suite} has no ${name} for this machine`)
      roots.set(name, await apt.unpacked(name, version))
    }
    await writeFile(`${found}.${process.pid}`, JSON.stringify([...roots]))
    await rename(`${found}.${process.pid}`, found)
    return ok(roots)
  } catch (error) {
    return err(`${suite} cannot be reached: ${reasonOf(error)}`)
  }
}

/** What was found less than a day ago and is still there: to ask apt takes a second or more. */
async function readFound(file: string): Promise<UnpackedPackages | null> {
  const age = Date.now() - (await stat(file).catch(() => ({ mtimeMs: 0 }))).mtimeMs
  if (age > 24 * 60 * 60 * 1000) return null
  const roots = JSON.parse(await readFile(file, 'utf8')) as [string, string][] // our own file
  const there = await Promise.all(roots.map(async ([, root]) => await exists(root)))
  return there.every(Boolean) ? new Map(roots) : null
}

/** The value of `LD_LIBRARY_PATH` with which their programs and modules find each other's libraries. */
export async function libraryPath(packages: UnpackedPackages): Promise<string> {
  const folders: string[] = []
  for (const root of packages.values()) {
    for (const triplet of await readdir(join(root, 'usr', 'lib')).catch(() => [])) {
      if (triplet.includes('-linux-')) folders.push(join(root, 'usr', 'lib', triplet))
    }
  }
  return folders.join(':')
}

/** The upstream part of a source package, unpacked: the folder that its archive holds. */
export async function unpackSource(
  suite: string,
  name: string,
  cacheDir: string = efiCacheDir(),
): Promise<Result<string, string>> {
  const finished = join(cacheDir, `${suite}-sources`, 'unpacked', name)
  if (await exists(finished)) return ok(finished)
  const work = `${finished}.${process.pid}`
  try {
    await rm(work, { recursive: true, force: true })
    await mkdir(join(work, 'root'), { recursive: true })
    await (await aptSourcesOfSuite(cacheDir, suite)).download(name, work)
    const archive = (await readdir(work)).find((file) => /\.orig\.tar\.[a-z0-9]+$/.test(file))
    if (archive === undefined) return err(`apt-get source left no archive for ${name}`)
    await run('/usr/bin/tar', ['-xf', join(work, archive), '-C', join(work, 'root'), '--strip-components=1'])
    // Another process may have been faster; its folder is as good.
    await rename(join(work, 'root'), finished).catch(async (error: unknown) => {
      if (!(await exists(finished))) throw error
    })
    return ok(finished)
  } catch (error) {
    return err(`${suite} cannot be reached: ${reasonOf(error)}`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
