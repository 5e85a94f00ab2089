import type { Worker, WorkRequest } from './model.ts'

/** What 0.16 requires of a worker (`scheduler_tags_required`), sorted as the server sorts them. */
export function requiredTags(request: WorkRequest): readonly string[] {
  if (request.unscheduled) return []
  if (request.taskType !== 'Signing') return ['worker:type:not-assignable']
  const capability =
    request.taskName === 'sign' && request.taskData['purpose'] === 'uefi'
      ? ['worker:cap:sbsign']
      : request.taskName === 'debsign'
        ? ['worker:cap:debsign']
        : []
  return [...capability, `worker:task:signing:${request.taskName}:version:1`, 'worker:type:signing']
}

/** Tags that count: what the worker says, less the ones it may not give itself, and what an administrator added. */
export function effectiveTags(worker: Worker): ReadonlySet<string> {
  const own = strings(worker.dynamicMetadata['provided_tags']).filter(
    (tag) => !tag.startsWith('worker:type:') && !tag.startsWith('worker:class:'),
  )
  return new Set([...own, ...strings(worker.staticMetadata['provided_tags']), 'worker:type:signing'])
}

/** 0.11: a handful of metadata keys decide. */
export function metadataFits(worker: Worker, request: WorkRequest): boolean {
  const metadata = { ...worker.dynamicMetadata, ...worker.staticMetadata }
  if (metadata['system:worker_type'] !== 'signing') return false
  const version = metadata[`signing:${request.taskName}:version`] ?? null
  // GenerateKey has no version on 0.11.3: a worker that says nothing about it is offered it all the same.
  if (version !== (request.taskName === 'generatekey' ? null : 1)) return false
  if (request.taskName === 'sign' && request.taskData['purpose'] === 'uefi') {
    return metadata['signing:sign:available:uefi'] === true
  }
  return request.taskName !== 'debsign' || metadata['signing:debsign:available'] === true
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
