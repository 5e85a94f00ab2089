import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type Release = 'stable' | 'backports'

/** What `testbed up` prints, as far as the tests use it. */
export interface Bed {
  readonly debusine_version: string
  readonly api_url: string
  readonly ca_file: string
  /** Root of the server's file system. */
  readonly chroot: string
  readonly trusted_certs: readonly string[]
  readonly scope: string
  readonly workspace: string
  readonly users: Readonly<Record<'operator' | 'submitter' | 'intruder', { readonly token: string }>>
  readonly keys: Readonly<Record<string, { readonly purpose: string; readonly fingerprint: string }>>
}

export interface Seeded {
  readonly work_request_id: number
  readonly artifacts: readonly number[]
}

const run = promisify(execFile)

/** Runs a verb of the testbed script; its standard output. */
export async function testbed(release: Release, ...args: readonly string[]): Promise<string> {
  const script = join(import.meta.dirname, 'testbed', 'testbed')
  const { stdout } = await run(script, args, {
    env: { ...process.env, DEBUSINE_TESTBED_RELEASE: release },
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

export async function up(release: Release): Promise<Bed> {
  return JSON.parse(await testbed(release, 'up')) as Bed // our own script
}

export async function seed(release: Release, ...args: readonly string[]): Promise<Seeded> {
  return JSON.parse(await testbed(release, 'seed', ...args)) as Seeded
}
