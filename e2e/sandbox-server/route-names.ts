export const routeNames = [
  'whoami',
  'service-status',
  'worker.register',
  'worker.metadata',
  'work-request.fetch',
  'work-request.get',
  'work-request.list',
  'work-request.complete',
  'work-request.abort',
  'work-request.retry',
  'artifact.create',
  'artifact.get',
  'file.upload',
  'file.download',
  'archive.download',
  'relation',
  'asset',
  'asset.permission',
  'websocket.connect',
] as const

export type RouteName = (typeof routeNames)[number]
