import { createServer, Socket } from 'node:net'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'

// Stands where the product looks for Chromium, and is to it a browser with one page that draws nothing: it speaks the DevTools
// protocol over descriptors 3 and 4, asks for the page's document, and runs in a world of its own what the product puts into each
// page: the built preload. `window.station`, which that makes, is what a test calls from outside, through a Unix socket. The screens
// are for the specs of the window; here an emulated machine would take minutes to draw them. Nothing is imported but Node: it has to
// be there within the time that the product gives its browser.

type Message = {
  readonly id: number
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly sessionId?: string
}
type World = { readonly station?: Readonly<Record<string, (...input: readonly unknown[]) => unknown>> }

const version = 'Window/0.0'
const page = { sessionId: 'page', targetId: 'frame' }
const toStation = new Socket({ fd: 4, readable: false, writable: true })
const fromStation = new Socket({ fd: 3, readable: true, writable: false })
let source = ''
let world: World = {}
let documents = 0

function say(message: object): void {
  toStation.write(`${JSON.stringify(message)}\0`)
}

function tell(method: string, params: object, sessionId: string | null = page.sessionId): void {
  say({ method, params, ...(sessionId === null ? {} : { sessionId }) })
}

function newWorld(): World {
  const made = {
    __stationSend: (payload: string) =>
      tell('Runtime.bindingCalled', { name: '__stationSend', payload, executionContextId: documents }),
    addEventListener: () => {},
    queueMicrotask,
  }
  createContext(made)
  runInContext('globalThis.top = globalThis', made)
  runInContext(source, made)
  // What the script added to it is not in its type.
  return made as World
}

function load(): void {
  documents += 1
  const context = {
    id: documents,
    uniqueId: `${documents}`,
    origin: 'https://station.invalid',
    auxData: { frameId: page.targetId, isDefault: true },
  }
  tell('Runtime.executionContextsCleared', {})
  tell('Runtime.executionContextCreated', { context })
  world = newWorld()
  tell('Page.frameNavigated', { frame: { id: page.targetId, url } })
  tell('Page.loadEventFired', {})
}

let url = ''
function receive({ id, method, params, sessionId }: Message): void {
  const back = sessionId === undefined ? { id } : { id, sessionId }
  const answer = (result: object = {}) => say({ ...back, result })
  switch (method) {
    case 'Browser.getVersion':
      return answer({ product: version })
    case 'Target.setAutoAttach':
      answer()
      return tell('Target.attachedToTarget', { ...page, targetInfo: { ...page, type: 'page', url: 'data:' } }, null)
    case 'Page.addScriptToEvaluateOnNewDocument':
      source = String(params['source'])
      return answer()
    case 'Page.navigate': {
      url = String(params['url'])
      answer({})
      const request = { url, method: 'GET' }
      return tell('Fetch.requestPaused', { requestId: '1', frameId: page.targetId, resourceType: 'Document', request })
    }
    case 'Fetch.fulfillRequest':
      answer()
      return params['responseCode'] === 200 ? load() : process.exit(1)
    case 'Runtime.evaluate':
      answer({ result: { type: 'undefined' } })
      runInContext(String(params['expression']), world)
      return undefined
    case 'Browser.close':
      answer()
      return process.exit(0)
    default:
      return answer()
  }
}

let rest = ''
fromStation.setEncoding('utf8')
fromStation.on('data', (chunk: string) => {
  const messages = (rest + chunk).split('\0')
  rest = messages.pop() ?? ''
  for (const message of messages) receive(JSON.parse(message) as Message) // from the product
})
// The program is gone, and so is its window.
fromStation.on('close', () => process.exit(0))
toStation.on('error', () => process.exit(0))

/** One test: each line is a call, `{id, name, input}`, or `{event}` to be told of; answers and events come in lines as well. */
const server = createServer((socket) => {
  const write = (message: object) => void socket.write(`${JSON.stringify(message)}\n`)
  let part = ''
  socket.setEncoding('utf8')
  socket.on('error', () => {})
  socket.on('data', (chunk: string) => {
    const lines = (part + chunk).split('\n')
    part = lines.pop() ?? ''
    for (const line of lines) void call(JSON.parse(line) as Asked, write) // from the test
  })
})
type Asked = { readonly id: number; readonly name: string; readonly input?: unknown; readonly event?: string }

async function call({ id, name, input, event }: Asked, write: (message: object) => void): Promise<void> {
  const { station } = world
  if (station === undefined) return write({ id, problem: 'the page is not loaded' })
  try {
    if (event !== undefined) {
      station['onEvent']?.(event, (payload: unknown) => write({ event, payload, at: Date.now() }))
      return write({ id, value: null })
    }
    return write({ id, value: await (input === undefined ? station[name]?.() : station[name]?.(input)) })
  } catch (error) {
    return write({ id, problem: String(error) })
  }
}
server.listen(join(process.env['XDG_RUNTIME_DIR'] ?? '', 'window.sock'))
