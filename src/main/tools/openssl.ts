import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'

/** What the other tool said. */
export interface Verdict {
  /** `OpenSSL 3.0.15 3 Sep 2024 …` */
  readonly version: string
  /** As anybody can repeat it, with the names of the files. */
  readonly command: string
  readonly output: string
}

export type OpenSslFailure = Failure<'openssl-absent' | 'openssl-refused'>

/** A second opinion from a program that shares no code with this one. */
export interface OpenSsl {
  /**
   * Writes `files` into a folder of their own, runs openssl there, removes them. A failure where it does not run, ends with anything but 0,
   * or does not say `expected`.
   */
  ask(
    files: Readonly<Record<string, Uint8Array | string>>,
    args: readonly string[],
    expected: string,
  ): Promise<Result<Verdict, OpenSslFailure>>
}

const limits = { timeout: 20_000, maxBuffer: 1024 * 1024 } as const

/** `folder`: where files lie for a moment; only its user can enter it. */
export function opensslAt(path: string, folder: string): OpenSsl {
  async function run(
    args: readonly string[],
    cwd: string,
  ): Promise<{ readonly ok: boolean; readonly text: string; readonly absent: boolean }> {
    return new Promise((resolve) => {
      // No shell, and no configuration of somebody else's: OPENSSL_CONF names an empty file.
      const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', OPENSSL_CONF: '/dev/null' }
      execFile(path, [...args], { ...limits, cwd, env }, (error, stdout, stderr) => {
        const absent = error !== null && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')
        resolve({ ok: error === null, text: `${stdout}${stderr}`.trim().slice(0, 4000), absent })
      })
    })
  }

  return {
    ask: async (files, args, expected) => {
      const place = await mkdtemp(join(folder, 'openssl-'))
      try {
        const version = await run(['version'], place)
        if (!version.ok) return err(absent)
        for (const [name, content] of Object.entries(files))
          await writeFile(join(place, name), content, { mode: 0o600 })
        const said = await run(args, place)
        if (!said.ok || !said.text.includes(expected)) return err(refused(said.text))
        return ok({ version: version.text, command: `openssl ${args.join(' ')}`, output: said.text })
      } finally {
        await rm(place, { recursive: true, force: true })
      }
    },
  }
}

const absent: OpenSslFailure = {
  kind: 'unavailable',
  code: 'openssl-absent',
  message:
    'OpenSSL is not installed at /usr/bin/openssl, so nobody else checked. Install it and try the step again, or record a deviation.',
}
function refused(text: string): OpenSslFailure {
  return {
    kind: 'invalid',
    code: 'openssl-refused',
    message: `OpenSSL does not accept it. It said: ${text.slice(0, 500)}`,
  }
}
