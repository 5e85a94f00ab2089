import { constants } from 'node:fs'
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScriptSource } from '../../shared/ceremony.ts'
import type { CeremonyScript } from '../../shared/ceremony-script.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { maxScriptBytes, parseScript } from './script.ts'

export interface ReadyScript {
  readonly name: string
  readonly script: CeremonyScript | null
  readonly problem: Failure | null
}

/** Scripts that come with the program, by their names. */
export async function readyScripts(folder: string): Promise<readonly ReadyScript[]> {
  const names = (await readdir(folder)).filter((name) => /^[a-z0-9-]+\.json$/.test(name)).toSorted()
  return await Promise.all(
    names.map(async (file) => {
      const read = parseScript(await readFile(join(folder, file)))
      const name = file.slice(0, -'.json'.length)
      return read.ok ? { name, script: read.value.script, problem: null } : { name, script: null, problem: read.error }
    }),
  )
}

/** The bytes of a script. A file of the operator's is opened for reading only, and no further than a script can be long. */
export async function scriptBytes(source: ScriptSource, folder: string): Promise<Result<Uint8Array, Failure>> {
  const path = source.kind === 'ready' ? join(folder, `${source.name}.json`) : source.path
  try {
    // Without O_NONBLOCK a named pipe would keep one of Node's few threads for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    try {
      const { size } = await handle.stat()
      if (!(await handle.stat()).isFile() || size > maxScriptBytes) return err(noScript)
      return ok(await handle.readFile())
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return err({ ...noScript, detail: String(error.code) })
    throw error
  }
}

const noScript: Failure = {
  kind: 'invalid',
  code: 'script-unreadable',
  message: `The script cannot be read: there is no such file, or it is larger than ${maxScriptBytes / 1024} KiB. Nothing was begun.`,
}
