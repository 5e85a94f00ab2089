import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import { type RequestId, sha256Hex } from '../../shared/ids.ts'
import type { SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'
import { readUpload } from '../debian/upload.ts'
import { uploadFileOf } from '../policy/upload-whole.ts'
import { documentText } from '../signing/debsign/debsign-order.ts'
import { compareWithLastUpload, lastRelease } from './last-signed.ts'
import type { Spool } from './spool.ts'
import type { TaskPlan } from './task-plan.ts'

interface Ports {
  readonly db: Kysely<Database>
  readonly spool: Spool
}

/** What the sheet says of the artifacts of a task beyond its files: which of them are signed, and what was signed before. */
export async function artifactsOfTask(
  ports: Ports,
  plan: TaskPlan,
  row: RequestRow,
  id: RequestId,
  artifacts: readonly SheetArtifact[],
): Promise<readonly SheetArtifact[]> {
  switch (plan.task) {
    case 'sign':
      return artifacts
    case 'debsign':
      return Promise.all(artifacts.map((artifact) => uploadOf(ports, plan, id, artifact)))
    case 'signrepositoryindex':
      return Promise.all(artifacts.map((artifact) => indexOf(ports, plan, row, artifact)))
  }
}

async function uploadOf(ports: Ports, plan: TaskPlan, id: RequestId, artifact: SheetArtifact): Promise<SheetArtifact> {
  const { dsc, buildinfo, changes } = readUpload(artifact.files.map(uploadFileOf))
  const signed = [dsc, buildinfo, changes]
  const files = await Promise.all(
    artifact.files.map(async (file): Promise<SheetFile> => {
      if (!signed.includes(file.path)) return { ...file, disposition: 'keep', toBeSigned: null }
      const digest = await digestOfText(ports.spool, id, file, plan)
      return {
        ...file,
        disposition: 'sign',
        toBeSigned: digest === null ? null : { what: whatOf(file, plan), algorithm: 'sha256', digest },
      }
    }),
  )
  const upload = { dsc, buildinfo, changes, debusineFields: plan.fields, last: null }
  const made: SheetArtifact = { ...artifact, files, upload }
  return { ...made, upload: { ...upload, last: await compareWithLastUpload(ports.db, id, made) } }
}

/** debusine's `data_sha256` of a Debsign is that of the `.changes` before it is signed, with the fields that were written into it. */
function whatOf(file: SheetFile, plan: TaskPlan): string {
  const kind = file.facts.kind === 'upload-document' ? `.${file.facts.document}` : 'document'
  const fields = kind === '.changes' && plan.fields !== null ? ', with debusine’s fields' : ''
  return `text of the ${kind}${fields}, before the digests of what is signed first are put in`
}

/** The spool was compared with what was fetched; what is read here is checked again before it is signed. */
async function digestOfText(spool: Spool, id: RequestId, file: SheetFile, { fields }: TaskPlan) {
  if (file.facts.kind !== 'upload-document' || file.facts.faults.length > 0) return null
  if (file.facts.document !== 'changes' || fields === null) return file.facts.bodySha256
  const bytes = await readFile(spool.pathOf(id, file.ordinal))
  const text = documentText(bytes, 'changes', fields)
  return text.ok ? sha256Hex.parse(hash('sha256', text.value)) : null
}

async function indexOf(ports: Ports, plan: TaskPlan, row: RequestRow, artifact: SheetArtifact): Promise<SheetArtifact> {
  const { index } = plan
  if (index === null) return artifact
  const last = await lastRelease(ports.db, row, index.suite)
  return {
    ...artifact,
    files: artifact.files.map((file) => ({
      ...file,
      disposition: 'sign',
      toBeSigned:
        file.facts.kind === 'release' && file.facts.faults.length === 0
          ? { what: 'the Release, byte for byte', algorithm: 'sha256', digest: file.sha256 }
          : null,
    })),
    repositoryIndex: {
      suite: index.suite,
      mode: index.mode,
      signedName: index.signedName,
      last: last?.summary ?? null,
    },
  }
}
