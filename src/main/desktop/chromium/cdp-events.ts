import { z } from 'zod'

// The events that the adapter reads, with the fields that it reads. Loose: the browser may say more.

export const attachedToTarget = z.object({
  sessionId: z.string(),
  targetInfo: z.object({ targetId: z.string(), type: z.string(), url: z.string() }),
})

export const detachedFromTarget = z.object({ sessionId: z.string() })

export const requestPaused = z.object({
  requestId: z.string(),
  frameId: z.string(),
  resourceType: z.string(),
  request: z.object({ url: z.string(), method: z.string() }),
})

export const frameNavigated = z.object({
  frame: z.object({ id: z.string(), parentId: z.string().optional(), url: z.string() }),
})

export const executionContextCreated = z.object({
  context: z.object({
    id: z.int(),
    uniqueId: z.string(),
    origin: z.string(),
    auxData: z.object({ frameId: z.string(), isDefault: z.boolean() }),
  }),
})
export type ExecutionContext = z.infer<typeof executionContextCreated>['context']

export const executionContextDestroyed = z.object({ executionContextId: z.int() })

export const bindingCalled = z.object({ name: z.string(), payload: z.string(), executionContextId: z.int() })

export const dialogOpening = z.object({ type: z.string() })

export const windowForTarget = z.object({ windowId: z.int(), bounds: z.object({ windowState: z.string().optional() }) })

/** Answer of Runtime.evaluate: a value without an object has no id. */
export const fileObject = z.object({ result: z.object({ objectId: z.string().optional() }) })

export const fileInfo = z.object({ path: z.string().max(4096) })
