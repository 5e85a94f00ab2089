import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { OpenByHand } from '../../../shared/by-hand.ts'
import { byHandOrigin } from '../../../shared/by-hand-origin.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type RequestId, requestId } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { step } from '../../app/steps.ts'
import type { DeskPorts } from '../desk-ports.ts'
import { initialStep } from '../machine.ts'
import { handModes } from './hand-modes.ts'
import { type CopiedSource, copySource, shown } from './read-source.ts'

interface OpenedFile extends CopiedSource {
  readonly named: string
  /** Null: it is not signed itself. */
  readonly output: string | null
}

/** NAME_MAX (limits.h): the longest name that a file can have. */
const longestName = 255

/**
 * Makes a request of files that a person opened: copies them into the spool, then writes the request, who opened what, and where the
 * signatures will go, in one transaction. All files or none. Signs nothing: the request goes the way of every other.
 */
export async function openByHand(
  ports: DeskPorts,
  input: OpenByHand,
  signal: AbortSignal,
): Promise<Result<RequestId, Failure>> {
  const mode = handModes[input.signAs]
  const odd = input.paths.find((path) => !mode.fits(basename(path)))
  if (odd !== undefined) return err(doesNotFit(odd))
  if (mode.files === 'one' && input.paths.length > 1) return err(oneAtATime)
  const key = await ports.keys.find(mode.purpose, input.fingerprint)
  if (key === null) return err(keyDoesNotFit)
  if (key.state !== 'active') return err(keyOutOfUse)
  const id = requestId.parse(randomUUID())
  let kept = false
  try {
    await ports.spool.open(id)
    const files: OpenedFile[] = []
    for (const named of input.paths) {
      const opened = await openFile(ports, input, id, files, named, signal)
      if (!opened.ok) return opened
      files.push(opened.value)
    }
    if (input.signAs === 'debian-upload') {
      const more = await openListed(ports, input, id, files, signal)
      if (!more.ok) return more
    }
    step('open', 'before')
    const written = await writeRequest(ports, input, id, files)
    step('open', 'after')
    if (!written.ok) return written
    kept = true
    return ok(id)
  } catch (error) {
    return err({ ...notSpooled, detail: error instanceof Error ? error.message : String(error) })
  } finally {
    if (!kept) await ports.spool.remove(id)
  }
}

async function openFile(
  ports: DeskPorts,
  input: OpenByHand,
  id: RequestId,
  before: readonly OpenedFile[],
  named: string,
  signal: AbortSignal,
): Promise<Result<OpenedFile, Failure>> {
  const mode = handModes[input.signAs]
  const output = await outputPath(named, input.folder, mode.outputName)
  if (!output.ok) return output
  if (output.value !== null && before.some((file) => file.output === output.value)) return err(sameOutput(output.value))
  const copied = await copySource(named, ports.spool.pathOf(id, before.length), mode.maxBytes, signal)
  return copied.ok ? ok({ ...copied.value, named, output: output.value }) : copied
}

/**
 * The files that a `.changes` lists, from beside it. What it lists is read by the inspector, as all that was not written here. One that is
 * not there is left out: the sheet then says that the upload is not whole.
 */
async function openListed(
  ports: DeskPorts,
  input: OpenByHand,
  id: RequestId,
  files: OpenedFile[],
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  const [changes] = files
  if (changes === undefined) return ok(null)
  const name = basename(changes.named)
  const facts = await ports.inspector.inspect({ path: ports.spool.pathOf(id, 0), name, as: 'changes' }, signal)
  if (!facts.ok || facts.value.kind !== 'upload-document') return ok(null)
  for (const listed of new Set(facts.value.files.map((file) => file.name))) {
    // A name, and not a way to another folder.
    if (listed === '' || listed.startsWith('.') || listed.includes('/') || listed.includes('\0') || listed === name)
      continue
    const opened = await openFile(ports, input, id, files, join(dirname(changes.named), listed), signal)
    if (!opened.ok && opened.error.code === 'file-not-opened') continue
    if (!opened.ok) return opened
    files.push(opened.value)
  }
  return ok(null)
}

/** The folder is resolved now and shown on the sheet: a link that is turned round later leads nobody's signature elsewhere. */
async function outputPath(
  named: string,
  chosen: string | null,
  outputName: (input: string) => string | null,
): Promise<Result<string | null, Failure>> {
  const name = outputName(basename(named))
  if (name === null) return ok(null)
  const wanted = chosen ?? dirname(named)
  try {
    const folder = await realpath(wanted)
    if (!(await stat(folder)).isDirectory()) return err(noFolder(wanted))
    await access(folder, constants.W_OK | constants.X_OK)
    if (Buffer.byteLength(name) > longestName) return err(nameTooLong(named))
    return ok(join(folder.toWellFormed(), name))
  } catch (error) {
    return err({ ...noFolder(wanted), detail: error instanceof Error ? error.message : String(error) })
  }
}

async function writeRequest(
  ports: DeskPorts,
  input: OpenByHand,
  id: RequestId,
  files: readonly OpenedFile[],
): Promise<Result<null, Failure>> {
  const at = ports.now().toISOString()
  const operator = ports.settings().operatorName
  const { purpose } = handModes[input.signAs]
  const { fingerprint, signAs } = input
  const written = await writeTransaction(ports.db, async (trx) => {
    const last = await trx
      .selectFrom('hand_request')
      .select((eb) => eb.fn.max<number | null>('number').as('number'))
      .executeTakeFirst()
    const number = (last?.number ?? 0) + 1
    await trx
      .insertInto('request')
      .values({
        id,
        server: byHandOrigin,
        work_request_id: number,
        scope: null,
        workspace: byHandOrigin,
        token: null,
        worker: null,
        fetched_at: at,
        task_name: 'sign',
        raw: '',
        purpose,
        fingerprint,
        created_by: 0,
        requested_at: at,
        retry_count: 0,
        title: files.length === 1 ? basename(files[0]?.named ?? '') : `${files.length} files`,
        requested_by: operator,
        stage: initialStep.state.kind,
        outcome: null,
        state: JSON.stringify(initialStep.state),
        file_count: files.length,
        signed_count: 0,
        worst_check: null,
        received_at: at,
        updated_at: at,
      })
      .execute()
    await trx
      .insertInto('hand_request')
      .values({ request_id: id, number, sign_as: signAs, opened_by: operator, opened_at: at })
      .execute()
    for (const [ordinal, file] of files.entries()) {
      await trx
        .insertInto('request_file')
        .values({
          request_id: id,
          ordinal,
          artifact_position: 0,
          artifact_id: 1,
          path: basename(file.named),
          size: file.size,
          sha256: file.sha256,
        })
        .execute()
      await trx
        .insertInto('hand_file')
        .values({ request_id: id, ordinal, named: file.named, opened: file.opened, output: file.output })
        .execute()
    }
    await ports.audit.append(trx, [
      {
        event: 'request-received',
        requestId: id,
        server: byHandOrigin,
        workRequestId: null,
        scope: null,
        workspace: byHandOrigin,
        purpose,
        fingerprint,
        createdBy: null,
      },
      ...files.map((file, ordinal) => ({
        event: 'opened-by-hand' as const,
        requestId: id,
        ordinal,
        signAs,
        named: file.named,
        opened: file.opened,
        size: file.size,
        inputSha256: file.sha256,
        output: file.output,
        operator,
      })),
    ])
  })
  return written.ok ? ok(null) : written
}

const keyDoesNotFit: Failure = {
  kind: 'refused',
  code: 'key-does-not-fit',
  message:
    'No key of this fingerprint is registered here for what the files are to be signed as. Nothing was opened. Choose another key.',
}
const keyOutOfUse: Failure = {
  kind: 'refused',
  code: 'key-not-active',
  message:
    'The key that was chosen is suspended or retired. Nothing was opened. Make it active, or choose another key.',
}
const notSpooled: Failure = {
  kind: 'unavailable',
  code: 'not-spooled',
  message: 'The station could not write the copies of the files to its spool. Nothing was opened.',
}
const oneAtATime: Failure = {
  kind: 'refused',
  code: 'one-at-a-time',
  message: 'Files are signed in this way one at a time. Nothing was opened. Choose one.',
}
function doesNotFit(named: string): Failure {
  return {
    kind: 'refused',
    code: 'file-does-not-fit',
    message: `${shown(named)} is not a .changes, and an upload is signed by its .changes. Nothing was opened. Choose that file, or sign this one as a text.`,
  }
}
function noFolder(folder: string): Failure {
  return {
    kind: 'unavailable',
    code: 'folder-not-writable',
    message: `The signature was to go to the folder ${shown(folder)}, which is not there or cannot be written. Nothing was opened. Choose another folder for it.`,
  }
}
function nameTooLong(named: string): Failure {
  return {
    kind: 'refused',
    code: 'name-too-long',
    message: `The name of the signature of ${shown(named)} would be longer than a file’s name can be. Nothing was opened. Give the file a shorter name.`,
  }
}
function sameOutput(output: string): Failure {
  return {
    kind: 'refused',
    code: 'same-output',
    message: `Two of the files would have their signatures written to ${shown(output)}. Nothing was opened. Open them one by one, with a folder for each.`,
  }
}
