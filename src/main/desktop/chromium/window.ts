import { type Sender, stationOrigin } from '../desktop.ts'
import { type RendererRequest, stationPage, type Verdict } from '../renderer-files.ts'
import { restartBudget } from '../restart-budget.ts'
import {
  attachedToTarget,
  bindingCalled,
  detachedFromTarget,
  type ExecutionContext,
  executionContextCreated,
  executionContextDestroyed,
  fileInfo,
  fileObject,
  frameNavigated,
  requestPaused,
  windowForTarget,
} from './cdp-events.ts'
import type { CdpEvent, CdpPipe } from './cdp-pipe.ts'
import { deliverFunction, fileFunction, filePathChannel, pageScript, sendBinding } from './page-script.ts'

export interface WindowOptions {
  /** Text of the built preload. */
  readonly preload: string
  readonly answerRequest: (request: RendererRequest) => Promise<Verdict>
  /** `channel` is the name that the preload used with `ipcRenderer.invoke`; resolves to the answer's text. */
  readonly onInvoke: (sender: Sender, channel: string, text: string) => Promise<string>
  /** The page keeps leaving or dying: the window cannot be used. */
  readonly onLost: (reason: string) => void
  readonly log: (event: string, fields: Record<string, unknown>) => void
  /** Milliseconds of a steady clock. */
  readonly now: () => number
}

export interface ChromiumWindow {
  /** Resolves when the station's page is loaded; rejects with the browser's words when it cannot be. */
  readonly opened: Promise<void>
  /** The window is closed. */
  readonly closed: Promise<void>
  /** Dropped unless the station's own page is there. */
  send(channel: string, text: string): void
  focus(): void
  /** The page kept leaving or dying, and was given up. */
  lost(): boolean
}

/**
 * Takes the browser's first page as the station's window and locks it down: its requests are answered from our files, our page is
 * the only document, every other page or developer tool that opens is closed.
 */
export function openChromiumWindow(pipe: CdpPipe, options: WindowOptions): ChromiumWindow {
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const contexts = new Map<number, ExecutionContext>()
  const mayReturn = restartBudget(3, 10_000, options.now)
  /** The window's session and its target, whose id is also that of its main frame. */
  let page: { readonly sessionId: string; readonly targetId: string } | null = null
  let arrived = false
  let lost = false

  const handlers: Readonly<Record<string, (event: CdpEvent) => void>> = {
    'Target.attachedToTarget': ({ params }) => {
      const { sessionId, targetInfo } = attachedToTarget.parse(params)
      const isPage = targetInfo.type === 'page' && !targetInfo.url.startsWith('devtools:')
      if (isPage && page === null) {
        page = { sessionId, targetId: targetInfo.targetId }
        prepare(sessionId).catch(opened.reject)
      } else if (targetInfo.targetId === page?.targetId) {
        pipe.tell('Runtime.runIfWaitingForDebugger', {}, sessionId)
      } else if (targetInfo.type === 'page' || targetInfo.url.startsWith('devtools:')) {
        options.log('window.target-closed', { type: targetInfo.type, url: targetInfo.url.slice(0, 200) })
        pipe.tell('Target.closeTarget', { targetId: targetInfo.targetId })
      } else {
        pipe.tell('Runtime.runIfWaitingForDebugger', {}, sessionId)
      }
    },
    'Target.detachedFromTarget': ({ params }) => {
      if (detachedFromTarget.parse(params).sessionId === page?.sessionId) closed.resolve()
    },
  }

  const pageHandlers: Readonly<Record<string, (event: CdpEvent) => void>> = {
    'Fetch.requestPaused': ({ params }) => {
      const { requestId, frameId, resourceType, request } = requestPaused.parse(params)
      const isDocument = resourceType === 'Document'
      void options.answerRequest({ ...request, isDocument, isMainFrame: frameId === page?.targetId }).then(
        (verdict) => settle(requestId, request.url, verdict),
        (error: unknown) => {
          options.log('window.file-failed', { url: request.url.slice(0, 200), error })
          settle(requestId, request.url, { kind: 'block' })
        },
      )
    },
    'Runtime.executionContextCreated': ({ params }) => {
      const { context } = executionContextCreated.parse(params)
      // Only the page's own world has the preload; isolated worlds are made by tests and tools.
      if (context.auxData.isDefault) contexts.set(context.id, context)
    },
    'Runtime.executionContextDestroyed': ({ params }) => {
      contexts.delete(executionContextDestroyed.parse(params).executionContextId)
    },
    'Runtime.executionContextsCleared': () => contexts.clear(),
    'Runtime.bindingCalled': ({ params }) => {
      const { name, payload, executionContextId } = bindingCalled.parse(params)
      if (name === sendBinding) void receive(payload, contexts.get(executionContextId))
    },
    'Page.frameNavigated': ({ params }) => {
      const { frame } = frameNavigated.parse(params)
      if (frame.parentId !== undefined) return
      if (frame.url.startsWith(stationPage)) arrived = true
      // Until our page has come, what is there is the browser's own empty page.
      else if (arrived) returnHome('window.page-left', { url: frame.url.slice(0, 200) })
    },
    'Page.loadEventFired': () => {
      if (arrived) opened.resolve()
    },
    'Inspector.targetCrashed': () => {
      contexts.clear()
      returnHome('window.page-crashed', {})
    },
    // A dialog of the page would stop all its scripts; the station's own dialogs are part of its page.
    'Page.javascriptDialogOpening': () => tellPage('Page.handleJavaScriptDialog', { accept: true }),
  }

  function tellPage(method: string, params: Record<string, unknown> = {}): void {
    if (page !== null) pipe.tell(method, params, page.sessionId)
  }

  async function prepare(sessionId: string): Promise<void> {
    const source = pageScript(options.preload)
    await Promise.all([
      pipe.call('Page.enable', {}, sessionId),
      pipe.call('Runtime.enable', {}, sessionId),
      pipe.call('Inspector.enable', {}, sessionId),
      pipe.call('Runtime.addBinding', { name: sendBinding }, sessionId),
      pipe.call('Page.addScriptToEvaluateOnNewDocument', { source }, sessionId),
      pipe.call('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, sessionId),
      pipe.call('Runtime.runIfWaitingForDebugger', {}, sessionId),
    ])
    const { errorText } = await pipe.call('Page.navigate', { url: stationPage }, sessionId)
    if (typeof errorText === 'string') throw new Error(`the window does not open the station's page: ${errorText}`)
  }

  function returnHome(event: string, fields: Record<string, unknown>): void {
    options.log(event, fields)
    if (mayReturn()) {
      tellPage('Page.navigate', { url: stationPage })
    } else if (!lost) {
      lost = true
      options.onLost('the page left or died four times in ten seconds')
    }
  }

  function settle(requestId: string, url: string, verdict: Verdict): void {
    switch (verdict.kind) {
      case 'serve': {
        const { status, headers, body } = verdict.response
        const responseHeaders = Object.entries(headers).map(([name, value]) => ({ name, value }))
        tellPage('Fetch.fulfillRequest', {
          requestId,
          responseCode: status,
          responseHeaders,
          body: Buffer.from(body).toString('base64'),
        })
        return
      }
      case 'stay':
      case 'block':
        options.log('window.request-refused', { url: url.slice(0, 200) })
        // Aborted is the one reason that leaves the page in place; every other shows an error page.
        tellPage('Fetch.failRequest', {
          requestId,
          errorReason: verdict.kind === 'stay' ? 'Aborted' : 'BlockedByClient',
        })
    }
  }

  async function receive(payload: string, context: ExecutionContext | undefined): Promise<void> {
    const [, ticket, channel, text] = /^(\d{1,15}) ([a-z:-]{1,40}) ([\s\S]*)$/.exec(payload) ?? []
    const sender: Sender = {
      isStationWindow: context !== undefined,
      isMainFrame: context !== undefined && context.auxData.frameId === page?.targetId,
      origin: context?.origin ?? 'unknown',
    }
    if (channel === filePathChannel && ticket !== undefined && context !== undefined) {
      const path = sender.isMainFrame && sender.origin === stationOrigin ? await pathOfFile(context, text ?? '') : ''
      if (contexts.has(context.id)) deliver(context, { ticket: Number(ticket), text: path })
      return
    }
    // Not our preload's form, so somebody else's: the router sees it, refuses it and logs it.
    const answer = await options.onInvoke(sender, channel ?? 'malformed', text ?? '')
    if (ticket !== undefined && context !== undefined && contexts.has(context.id)) {
      deliver(context, { ticket: Number(ticket), text: answer })
    }
  }

  /**
   * Where a file lies that was dropped on the page or chosen in the browser's dialog: the browser knows, a page does not. Of an object that
   * is none, or was made by a script, it knows no path.
   */
  async function pathOfFile(context: ExecutionContext, number: string): Promise<string> {
    if (page === null || !/^\d{1,15}$/.test(number)) return ''
    try {
      const { result } = fileObject.parse(
        await pipe.call(
          'Runtime.evaluate',
          {
            expression: `${fileFunction}(${number})`,
            uniqueContextId: context.uniqueId,
            silent: true,
            allowUnsafeEvalBlockedByCSP: false,
          },
          page.sessionId,
        ),
      )
      if (result.objectId === undefined) return ''
      const { objectId } = result
      try {
        return fileInfo.parse(await pipe.call('DOM.getFileInfo', { objectId }, page.sessionId)).path
      } finally {
        tellPage('Runtime.releaseObject', { objectId })
      }
    } catch (error) {
      options.log('window.file-without-path', { error })
      return ''
    }
  }

  function deliver(context: ExecutionContext, message: Record<string, unknown>): void {
    // JSON.parse of a string, not a literal: in a literal `__proto__` would set the prototype.
    const expression = `${deliverFunction}(JSON.parse(${JSON.stringify(JSON.stringify(message))}))`
    // By default the protocol switches the page's ban on eval off while it evaluates, and what listens here runs meanwhile.
    tellPage('Runtime.evaluate', {
      expression,
      uniqueContextId: context.uniqueId,
      silent: true,
      allowUnsafeEvalBlockedByCSP: false,
    })
  }

  function send(channel: string, text: string): void {
    for (const context of contexts.values()) {
      if (context.auxData.frameId === page?.targetId && context.origin === stationOrigin)
        deliver(context, { channel, text })
    }
  }

  async function toFront(targetId: string): Promise<void> {
    const { windowId, bounds } = windowForTarget.parse(await pipe.call('Browser.getWindowForTarget', { targetId }))
    if (bounds.windowState === 'minimized')
      await pipe.call('Browser.setWindowBounds', { windowId, bounds: { windowState: 'normal' } })
    tellPage('Page.bringToFront')
  }

  pipe.onEvent((event) => {
    if (event.sessionId === null) handlers[event.method]?.(event)
    else if (event.sessionId === page?.sessionId) pageHandlers[event.method]?.(event)
  })
  async function followPipe(): Promise<void> {
    await pipe.closed
    opened.reject(new Error('the browser ended before its window was open'))
    closed.resolve()
  }
  void followPipe()
  // Whoever waits for it hears of it; a window that failed after it was open rejects nothing.
  opened.promise.catch(() => {})

  return {
    opened: opened.promise,
    closed: closed.promise,
    send,
    lost: () => lost,
    focus() {
      if (page !== null) toFront(page.targetId).catch((error: unknown) => options.log('window.focus-failed', { error }))
    },
  }
}
