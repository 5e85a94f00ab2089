import { execFile, spawn } from 'node:child_process'
import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const day = 24 * 60 * 60 * 1000
const archiveKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Runs apt tools with one configuration; needs no rights: nothing of the system's is written. */
export interface Apt {
  /** The version that apt would install of each package; a package that it does not know is not in the answer. */
  candidates(names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** What a package depends on, by name; of alternatives the first. */
  dependencies(name: string): Promise<readonly string[]>
  /** Downloads, checks and unpacks; the folder is complete when it has its final name, and reused from then on. */
  unpacked(name: string, version: string): Promise<string>
}

/**
 * Apt with the machine's own sources and lists. Where the machine keeps no lists (container images drop them), lists of our
 * own are fetched from the same sources into `root`.
 */
export async function aptOfThisMachine(root: string, probe: string): Promise<Apt> {
  const plain = await createApt(join(root, 'machine'), [])
  if ((await plain.candidates([probe])).has(probe)) return plain
  const own = await createApt(join(root, 'machine'), privateState(join(root, 'machine')))
  await own.refresh(probe)
  return own
}

/** Apt for another suite of Debian, from the mirror that this machine uses for its own, with lists of our own. */
export async function aptOfSuite(root: string, suite: string, probe: string): Promise<Apt> {
  const dir = join(root, suite)
  await mkdir(dir, { recursive: true })
  const sources = join(dir, 'sources.list')
  await settle(sources, await sourcesFor(suite))
  const apt = await createApt(dir, [...privateState(dir), ...onlyThisList(sources)])
  await apt.refresh(probe)
  return apt
}

/** Downloads the upstream archive of a source package into a folder; apt checks it. */
export interface AptSources {
  download(name: string, into: string): Promise<void>
}

/** Source packages of a suite: lists of their own, which nobody else has to fetch. */
export async function aptSourcesOfSuite(root: string, suite: string): Promise<AptSources> {
  const dir = join(root, `${suite}-sources`)
  await mkdir(dir, { recursive: true })
  const list = join(dir, 'sources.list')
  await settle(list, (await sourcesFor(suite)).replaceAll(/^deb /gm, 'deb-src '))
  const apt = await createApt(dir, [...privateState(dir), ...onlyThisList(list)])
  return {
    async download(name, into) {
      await locked(join(dir, 'refresh.lock'), async () => await apt.update())
      await apt.get(['source', '--download-only', '--tar-only', '-q', name], into)
    },
  }
}

async function createApt(
  dir: string,
  settings: readonly string[],
): Promise<
  Apt & {
    refresh(probe: string): Promise<void>
    update(): Promise<void>
    get(args: readonly string[], cwd: string): Promise<void>
  }
> {
  for (const folder of ['lists/partial', 'archives/partial', 'unpacked']) {
    await mkdir(join(dir, folder), { recursive: true })
  }
  await settle(join(dir, 'status'), '')
  const configuration = join(dir, 'apt.conf')
  await settle(configuration, `${[...(await machineSettings()), ...commonSettings(dir), ...settings].join('\n')}\n`)
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', APT_CONFIG: configuration }
  const options = { env: environment, cwd: dir, maxBuffer: 64 * 1024 * 1024 }

  const stamp = join(dir, 'lists-fetched')

  async function candidates(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { stdout } = await run('/usr/bin/apt-cache', ['policy', ...names], options)
    const found = stdout.matchAll(/^(\S+):\n {2}Installed: .*\n {2}Candidate: (\S+)$/gm)
    return new Map([...found].flatMap(([, name = '', version = '']) => (version === '(none)' ? [] : [[name, version]])))
  }

  async function dependencies(name: string): Promise<readonly string[]> {
    const { stdout } = await run('/usr/bin/apt-cache', ['depends', '--important', name], options)
    return Array.from(stdout.matchAll(/^ {2}(?:Pre)?Depends: (\S+)$/gm), ([, one = '']) => one)
  }

  async function get(args: readonly string[], cwd: string): Promise<void> {
    await run('/usr/bin/apt-get', args, { ...options, cwd, timeout: 300_000 })
  }

  async function update(): Promise<void> {
    // Without lists for every source the versions found would depend on which one failed.
    await get(['update', '--error-on=any', '-q'], dir)
  }

  return {
    get,
    update,
    /** Fetches the lists, unless they are there and less than a day old. */
    async refresh(probe: string) {
      const age = Date.now() - (await stat(stamp).catch(() => ({ mtimeMs: 0 }))).mtimeMs
      if (age < day && (await candidates([probe])).has(probe)) return
      await locked(join(dir, 'refresh.lock'), async () => {
        // Whoever held the lock has just done it.
        const since = Date.now() - (await stat(stamp).catch(() => ({ mtimeMs: 0 }))).mtimeMs
        if (since < age && (await candidates([probe])).has(probe)) return
        await update()
        await writeFile(stamp, '')
      })
    },
    candidates,
    dependencies,
    async unpacked(name, version) {
      const finished = join(dir, 'unpacked', `${name}_${version.replaceAll(/[^A-Za-z0-9.+~-]/g, '_')}`)
      if (await exists(finished)) return finished
      const work = join(dir, 'unpacked', `.${basename(finished)}.${process.pid}`)
      await rm(work, { recursive: true, force: true })
      await mkdir(work)
      try {
        await get(['download', '-q', `${name}=${version}`], work)
        const deb = (await readdir(work)).find((file) => file.endsWith('.deb'))
        if (deb === undefined) throw new Error(`apt-get download left no file for ${name}`)
        await run('/usr/bin/dpkg-deb', ['-x', join(work, deb), join(work, 'root')], options)
        // Another process may have been faster; its folder is as good.
        await rename(join(work, 'root'), finished).catch(async (error: unknown) => {
          if (!(await exists(finished))) throw error
        })
        return finished
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    },
  }
}

/**
 * Test files run in processes side by side, and apt gives up at once where another apt fetches the same lists. The lock is held by a
 * process that ends with this one.
 */
async function locked(file: string, work: () => Promise<void>): Promise<void> {
  const holder = spawn('/usr/bin/flock', [file, '/bin/sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise((resolve) => holder.once('close', resolve))
  try {
    await new Promise((resolve, reject) => {
      holder.stdout.once('data', resolve)
      holder.once('error', reject)
      holder.once('close', () => reject(new Error(`flock could not lock ${file}`)))
    })
    await work()
  } finally {
    holder.stdin.end()
    await ended
  }
}

/** The machine's settings (proxies, pins of dates), less its folders and its hooks, which are for the system and its owner. */
async function machineSettings(): Promise<readonly string[]> {
  const { stdout } = await run('/usr/bin/apt-config', ['dump'], { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' } })
  return stdout.split('\n').filter((line) => line !== '' && !/^(?:Dir\b|\S*-Invoke|CommandLine|Binary\b)/.test(line))
}

function commonSettings(dir: string): readonly string[] {
  return [
    `Dir::Cache "${dir}";`,
    `Dir::Cache::archives "${join(dir, 'archives')}";`,
    'Dir::Cache::srcpkgcache "srcpkgcache.bin";',
    'Dir::Cache::pkgcache "pkgcache.bin";',
    // The machine's settings are in this file already; read once more they would bring the hooks back.
    'Dir::Etc::parts "/dev/null";',
    'Dir::Etc::main "/dev/null";',
    'Acquire::Languages "none";',
    // Our folders belong to whoever runs this; apt's own user could not enter them.
    ...(process.getuid?.() === 0 ? ['APT::Sandbox::User "root";'] : []),
  ]
}

function onlyThisList(sources: string): readonly string[] {
  return [
    `Dir::Etc::sourcelist "${sources}";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
  ]
}

function privateState(dir: string): readonly string[] {
  return [
    `Dir::State "${dir}";`,
    `Dir::State::lists "${join(dir, 'lists')}";`,
    `Dir::State::status "${join(dir, 'status')}";`,
  ]
}

/** One-line sources for a suite, its updates and its security fixes, on the mirrors from which this machine has its own suite. */
async function sourcesFor(suite: string): Promise<string> {
  const format = '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)'
  const { stdout } = await run('/usr/bin/apt-get', ['indextargets', '--format', format])
  const targets = stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([by, , , component]) => by === 'Packages' && component === 'main')
  const debian = targets.find(([, , release = '']) => /^(?:bookworm|trixie|forky|sid|stable|testing)$/.test(release))
  const uri = debian?.[1]
  if (uri === undefined) throw new Error('no source of Debian main is configured on this machine')
  const security = targets.find(([, , release = '']) => release.endsWith('-security'))?.[1]
  const line = (where: string, name: string) => `deb [signed-by=${archiveKeyring}] ${where} ${name} main\n`
  return [
    line(uri, suite),
    line(uri, `${suite}-updates`),
    security === undefined ? '' : line(security, `${suite}-security`),
  ].join('')
}

/** Writes only what is new: apt builds its cache anew when one of its files is younger. */
async function settle(file: string, text: string): Promise<void> {
  const there = await readFile(file, 'utf8').catch(() => null)
  if (there === text) return
  await writeFile(`${file}.${process.pid}`, text)
  await rename(`${file}.${process.pid}`, file)
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
