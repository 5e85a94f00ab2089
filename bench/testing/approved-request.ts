import { randomUUID } from 'node:crypto'
import type { StationDatabase } from '../../db/open.ts'
import { sheetDigest } from '../../src/main/review/build-sheet.ts'
import { artifactId, type Fingerprint, requestId, type Sha256Hex, workRequestId } from '../../src/shared/ids.ts'
import type { CertificateFacts } from '../../src/shared/key.ts'
import type { Purpose } from '../../src/shared/purpose.ts'
import type { ReviewSheet } from '../../src/shared/review-sheet.ts'

export interface ApprovedFile {
  readonly path: string
  readonly size: number
  readonly sha256: Sha256Hex
  readonly toBeSigned: { readonly what: string; readonly digest: Sha256Hex }
}

/** A request as it stands after its approval. */
export async function approvedRequest(
  station: StationDatabase,
  {
    purpose,
    fingerprint,
    certificate,
    files,
  }: {
    readonly purpose: Purpose
    readonly fingerprint: Fingerprint
    readonly certificate: CertificateFacts
    readonly files: readonly ApprovedFile[]
  },
) {
  const id = requestId.parse(randomUUID())
  const at = new Date().toISOString()
  const work = workRequestId.parse(Math.floor(Math.random() * 1e9) + 1)
  const sheet: ReviewSheet = {
    version: 1,
    requestId: id,
    madeAt: at,
    workRequest: {
      server: 'https://localhost',
      id: work,
      scope: null,
      workspace: 'bench',
      task: 'sign',
      createdAt: at,
      createdBy: 1,
      retryCount: 0,
    },
    purpose,
    key: {
      fingerprint,
      registered: {
        description: 'bench',
        production: false,
        origin: 'generated',
        home: { kind: 'software' },
        certificate,
      },
    },
    artifacts: [
      {
        artifactId: artifactId.parse(1),
        category: 'debusine:signing-input',
        binaryPackageName: null,
        trustedCerts: { kind: 'declared-empty' },
        permission: { kind: 'answered', allowed: true, username: 'bench', userId: 1, resource: {} },
        files: files.map(({ path, size, sha256, toBeSigned }, ordinal) => ({
          ordinal,
          path,
          size,
          sha256,
          facts: { kind: 'opaque', reason: 'not inspected here', firstBytesHex: '' },
          disposition: 'sign',
          toBeSigned: { algorithm: 'sha256', ...toBeSigned },
          signedBefore: [],
        })),
      },
    ],
    checks: [],
  }
  const { bytes, digest } = sheetDigest(sheet)
  await station.db.transaction().execute(async (trx) => {
    await trx
      .insertInto('request')
      .values({
        id,
        server: 'https://localhost/api',
        work_request_id: work,
        scope: null,
        workspace: 'bench',
        token: null,
        worker: null,
        fetched_at: at,
        task_name: 'sign',
        raw: '{}',
        purpose,
        fingerprint,
        created_by: 1,
        requested_at: at,
        retry_count: 0,
        title: 'bench',
        requested_by: null,
        stage: 'signing',
        outcome: null,
        state: JSON.stringify({ kind: 'signing', approval: { sheetDigest: digest, operator: 'bench', at } }),
        file_count: files.length,
        signed_count: 0,
        worst_check: 'passed',
        received_at: at,
        updated_at: at,
      })
      .execute()
    await trx
      .insertInto('review_sheet')
      .values({ request_id: id, digest, sheet: bytes, made_at: at, shown_at: at })
      .execute()
    await trx
      .insertInto('decision')
      .values({ request_id: id, kind: 'approved', sheet_digest: digest, operator: 'bench', reason: null, at })
      .execute()
  })
  return { id, sheet, digest }
}
