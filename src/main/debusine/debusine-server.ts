import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import { type Log, silentLog } from '../log/logger.ts'
import { createArtifact, readArtifact, readCategory, readMissingFiles, relate } from './artifacts.ts'
import { createKeyAsset, createKeyAssetAsUser } from './assets.ts'
import { type Clock, systemClock } from './clock.ts'
import { askWhoami, type DialectRules, rules011, rules016 } from './dialect.ts'
import { download } from './download.ts'
import type { Connection } from './held-call.ts'
import { listPending } from './pending-work.ts'
import { signPermission } from './permission.ts'
import { refusalFailure, serverFailure } from './problem.ts'
import { createRest, type Rest } from './rest.ts'
import type { DebusineServer, HeldWork, KeyOfAsset, PendingWorkList, ServerFailure } from './server.ts'
import { upload } from './upload.ts'
import { complete, fetchNext, producedArtifacts, stillHeld } from './work-requests.ts'

export interface ServerOptions {
  /** `https://HOST/api`, without the version. */
  readonly apiUrl: string
  /** PEM bundle of a private CA, which then replaces the system's list; null: the system's. */
  readonly caPem: string | null
  /** With a bundle: the system's CAs as well. */
  readonly alsoSystemCas?: boolean
  readonly userAgent?: string
  readonly clock?: Clock
  readonly log?: Log
}

export interface DebusineServerOptions extends ServerOptions {
  readonly workerToken: Secret
  /** Octets of one upload; 50 MiB unless said. */
  readonly uploadChunkBytes?: number
}

/** A rest client, or the same failure for every call: wrong settings are shown where the server is used. */
export function restFor(options: ServerOptions): Result<Rest, ServerFailure> {
  return createRest({
    apiUrl: options.apiUrl,
    caPem: options.caPem,
    ...(options.alsoSystemCas === undefined ? {} : { alsoSystemCas: options.alsoSystemCas }),
    userAgent: options.userAgent ?? 'signing-station',
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
  })
}

/** A debusine server with one worker token. Holds no state but the dialect and kept connections; `close` drops both. */
export function createDebusineServer(options: DebusineServerOptions): DebusineServer & { close(): void } {
  const made = restFor(options)
  if (!made.ok) return brokenServer(options.apiUrl, made.error)
  const rest = made.value
  const clock = options.clock ?? systemClock
  const { workerToken } = options

  let known: DialectRules | null = null
  let fetching = false

  const rules = async (): Promise<Result<DialectRules, ServerFailure>> => {
    if (known !== null) return ok(known)
    const answer = await askWhoami(rest, workerToken)
    if (!answer.ok) return answer
    known = answer.value.rules
    return ok(known)
  }
  const connection: Connection = {
    rest,
    workerToken,
    rules,
    stillHeld: async (held) => {
      const current = await rules()
      return current.ok ? stillHeld(rest, current.value, workerToken, held) : current
    },
  }

  const fetchOnce = async (): Promise<Result<HeldWork | null, ServerFailure>> => {
    const first = await rules()
    if (!first.ok) return first
    const answer = await fetchNext(rest, first.value, workerToken, clock)
    if (!answer.ok) return answer
    if (answer.value !== 'other-dialect') return ok(answer.value)
    // The server was upgraded (or set back) under us: 405 changed nothing, so the other verb is tried once.
    known = first.value.dialect === '0.11' ? rules016 : rules011
    const second = await fetchNext(rest, known, workerToken, clock)
    if (!second.ok) return second
    if (second.value !== 'other-dialect') return ok(second.value)
    known = null
    return err(
      serverFailure(
        'server-answer-invalid',
        'The server knows neither way of fetching work. Its release may be too new for this station.',
      ),
    )
  }

  return {
    apiUrl: options.apiUrl,
    dialect: async () => {
      const current = await rules()
      return current.ok ? ok(current.value.dialect) : current
    },
    offer: async (offer) => {
      const current = await rules()
      if (!current.ok) return current
      const what = 'note what this station can serve'
      const answer = await rest.call({
        method: 'PUT',
        url: rest.url('worker/dynamic-metadata/'),
        authority: { token: workerToken, scope: null },
        json: current.value.metadata(offer),
        repeat: 'safe',
        what,
      })
      if (!answer.ok) return answer
      return answer.value.status === 204 ? ok(null) : err(refusalFailure(answer.value, what))
    },
    fetchNext: async () => {
      // Two fetches at the same time would be the second, destructive one.
      if (fetching)
        return err({
          kind: 'defect',
          code: 'rejected',
          message: 'Work is being fetched already. Nothing was asked of the server.',
        })
      fetching = true
      try {
        return await fetchOnce()
      } finally {
        fetching = false
      }
    },
    stillHeld: (held) => connection.stillHeld(held),
    artifact: (held, id) => readArtifact(connection, held, id),
    categoryOf: (held, id) => readCategory(connection, held, id),
    missingFiles: (held, id) => readMissingFiles(connection, held, id),
    download: (held, file, destination, { signal }) => download(connection, clock, held, file, destination, signal),
    signPermission: (held, key, artifact) => signPermission(connection, held, key, artifact),
    createArtifact: (held, artifact) => createArtifact(connection, held, artifact),
    upload: (held, artifact, file, { signal }) =>
      upload(connection, clock, held, artifact, file, signal, options.uploadChunkBytes),
    relate: (held, relation) => relate(connection, held, relation),
    createKeyAsset: (held, key) => createKeyAsset(connection, held, key),
    complete: (held, completion) => complete(connection, held, completion),
    producedArtifacts: (held) => producedArtifacts(connection, held),
    close: () => rest.close(),
  }
}

/** The list of pending work; takes the user's token with each call. */
export function createPendingWorkList(options: ServerOptions): PendingWorkList & { close(): void } {
  const rest = restFor(options)
  return {
    pending: (userToken, scope) => (rest.ok ? listPending(rest.value, userToken, scope) : Promise.resolve(rest)),
    close: () => {
      if (rest.ok) rest.value.close()
    },
  }
}

/** What is done in a user's name; takes the user's token with each call. */
export function createUserClient(options: ServerOptions) {
  const rest = restFor(options)
  return {
    createKeyAsset: (
      user: { readonly token: Secret; readonly scope: string | null },
      key: KeyOfAsset,
      workspace: string,
    ): Promise<Result<{ readonly id: number }, ServerFailure>> =>
      rest.ok ? createKeyAssetAsUser(rest.value, user, key, workspace) : Promise.resolve(rest),
    close: () => {
      if (rest.ok) rest.value.close()
    },
  }
}

function brokenServer(apiUrl: string, failure: ServerFailure): DebusineServer & { close(): void } {
  const fail = () => Promise.resolve(err(failure))
  return {
    apiUrl,
    dialect: fail,
    offer: fail,
    fetchNext: fail,
    stillHeld: fail,
    artifact: fail,
    categoryOf: fail,
    missingFiles: fail,
    download: fail,
    signPermission: fail,
    createArtifact: fail,
    upload: fail,
    relate: fail,
    createKeyAsset: fail,
    complete: fail,
    producedArtifacts: fail,
    close: () => {},
  }
}
