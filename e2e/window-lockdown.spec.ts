import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { contract } from '../src/shared/contract.ts'
import { expect, test } from './harness/fixtures.ts'
import { allProcesses, openPorts, processTree, statusField } from './harness/process-tree.ts'

/**
 * Runs the statements of `attempt` in the page and gives the name of what they threw, or `done`. In a task of their own: while the
 * protocol evaluates, it allows what the page's policy forbids.
 */
function attemptIn(page: Page, attempt: string): Promise<string> {
  return page.evaluate(
    `(async () => { await new Promise((go) => setTimeout(go)); try { ${attempt}; return 'done' } catch (error) { return error.name } })()`,
  )
}

/** Marks the document: the mark is gone when the page was loaded anew. */
async function mark(page: Page): Promise<void> {
  await page.evaluate(() => void Object.assign(globalThis, { mark: 'here' }))
}

function marked(page: Page): Promise<boolean> {
  return page.evaluate(() => 'mark' in globalThis)
}

// As text: written as code, the linter would refuse them, and rightly so.
const stringsThatBecomeCode: Readonly<Record<string, string>> = {
  eval: "globalThis.eval('1')",
  'new Function': "new Function('return 1')()",
  'setTimeout of a string': "setTimeout('globalThis.ran = true')",
  innerHTML: "document.createElement('div').innerHTML = '<img src=x onerror=alert(1)>'",
  'a worker from a string': "new Worker('/worker.js')",
  'document.write': "document.write('<script>1</script>')",
  'a script element with text': "document.createElement('script').text = 'globalThis.ran = true'",
  'a service worker': "await navigator.serviceWorker.register('/worker.js')",
}

test.describe('what the page can reach', () => {
  test('is one frozen object with a function for each channel, the events and the paths of files a person gave', async ({
    page,
  }) => {
    const names = Object.keys(contract).map((channel) =>
      channel.replace(/[.-]([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
    )
    const found = await page.evaluate(() => {
      const station: object = Reflect.get(globalThis, 'station')
      return {
        names: Object.keys(station),
        frozen: Object.isFrozen(station),
        others: ['require', 'process', 'module', 'ipcRenderer', '__stationSend'].filter((name) => name in globalThis),
        replaced: Reflect.set(globalThis, 'station', null),
      }
    })
    expect(new Set(found.names)).toEqual(new Set([...names, 'onEvent', 'pathsOf']))
    expect(found).toMatchObject({ frozen: true, others: [], replaced: false })
  })

  test('does not include an event without a name', async ({ page }) => {
    const tried = await page.evaluate(() => {
      const onEvent: (name: string, listener: () => void) => void = Reflect.get(
        Reflect.get(globalThis, 'station'),
        'onEvent',
      )
      try {
        onEvent('__proto__', () => {})
        return 'subscribed'
      } catch (error) {
        return error instanceof TypeError ? 'TypeError' : 'other'
      }
    })
    expect(tried).toBe('TypeError')
  })

  test('is not there in a frame of the page', async ({ page }) => {
    const inFrame = await page.evaluate(() => {
      const frame = document.body.appendChild(document.createElement('iframe'))
      const inner = frame.contentWindow
      return ['station', '__stationSend', '__stationDeliver'].filter((name) => inner !== null && name in inner)
    })
    expect(inFrame).toEqual([])
  })

  test('gives answers to wrong input and stays alive', async ({ page, app }) => {
    const answer = await page.evaluate(() => {
      const station: Record<string, (input: unknown) => Promise<unknown>> = Reflect.get(globalThis, 'station')
      return station['reviewApprove']?.({ requestId: 'no', pin: 'SECRET-PIN-4711' })
    })
    expect(answer).toMatchObject({ ok: false, error: { kind: 'invalid', code: 'input-invalid' } })
    expect(app.log()).not.toContain('SECRET-PIN-4711')
  })

  test('is a secure, isolated context', async ({ page }) => {
    expect(await page.evaluate(() => [isSecureContext, crossOriginIsolated, location.origin])).toEqual([
      true,
      true,
      'https://station.invalid',
    ])
  })
})

test.describe('content that becomes code', () => {
  for (const [name, attempt] of Object.entries(stringsThatBecomeCode)) {
    test(`is refused: ${name}`, async ({ page }) => {
      expect(await attemptIn(page, attempt)).toMatch(/^(?:EvalError|TypeError)$/)
    })
  }

  test('is refused in what follows an answer of the program, too', async ({ page }) => {
    expect(await attemptIn(page, "await station.keysList(); globalThis.eval('1')")).toBe('EvalError')
  })

  test('is refused: an inline style, as element and as attribute', async ({ page }) => {
    const seen = await page.evaluate(async () => {
      const violations: string[] = []
      document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective))
      const style = document.createElement('style')
      style.append('body { color: rgb(1, 2, 3) }')
      document.head.append(style)
      document.body.setAttribute('style', 'color: rgb(1, 2, 3)')
      for (let looks = 0; looks < 100 && violations.length < 2; looks += 1)
        await new Promise((resolve) => setTimeout(resolve, 50))
      return { violations, colour: getComputedStyle(document.body).color }
    })
    expect(seen.violations).toEqual(expect.arrayContaining(['style-src-elem', 'style-src-attr']))
    expect(seen.colour).not.toBe('rgb(1, 2, 3)')
  })

  test('would be noticed here if the policy let it through', async ({ page, windowKind }) => {
    test.skip(windowKind === 'electron', 'Playwright does not see requests that Electron’s protocol handler answers')
    await page.route('https://station.invalid/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>planted</title>' }),
    )
    await page.reload()
    await expect(page).toHaveTitle('planted')
    const results = await Promise.all(
      ['eval', 'new Function', 'innerHTML'].map((name) => attemptIn(page, stringsThatBecomeCode[name] ?? '')),
    )
    expect(results).toEqual(['done', 'done', 'done'])
  })
})

test.describe('other places', () => {
  test('cannot be fetched, connected to or framed, though a server is listening', async ({ page }) => {
    let calls = 0
    const server = createServer((socket) => {
      calls += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const violated = await page.evaluate(async (port) => {
      const violations: string[] = []
      document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective))
      await fetch(`http://127.0.0.1:${port}/`).catch(() => null)
      await new Promise((resolve) => {
        try {
          new WebSocket(`ws://127.0.0.1:${port}/`).addEventListener('error', resolve)
        } catch {
          resolve(null)
        }
      })
      const image = new Image()
      image.src = `http://127.0.0.1:${port}/x.png`
      const frame = document.createElement('iframe')
      frame.src = `http://127.0.0.1:${port}/`
      document.body.append(frame)
      // The violations are told when the browser comes to it; one that never comes is missing below.
      for (let looks = 0; looks < 100 && !violations.includes('frame-src'); looks += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return violations
    }, port)
    expect(new Set(violated)).toEqual(new Set(['connect-src', 'img-src', 'frame-src']))
    expect(calls).toBe(0)
    server.close()
  })

  test('learn no address of this machine through WebRTC', async ({ page }) => {
    const candidates = await page.evaluate(async () => {
      const connection = new RTCPeerConnection()
      const found: string[] = []
      const finished = new Promise((resolve) => {
        connection.onicecandidate = ({ candidate }) =>
          candidate === null ? resolve(null) : found.push(candidate.candidate)
      })
      connection.createDataChannel('x')
      await connection.setLocalDescription()
      await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, 2_000))])
      return found.filter((candidate) => candidate !== '')
    })
    expect(candidates).toEqual([])
  })

  for (const target of [
    'https://example.com/',
    'http://station.invalid/',
    'https://station.invalid/other.html',
    'https://station.invalid:8443/',
    'file:///etc/passwd',
    'data:text/html,<h1>x</h1>',
    'chrome://settings',
    'view-source:https://station.invalid/',
    'javascript:document.title="taken"',
    'mailto:someone@example.com',
  ]) {
    test(`cannot replace the page: ${target}`, async ({ page, app }) => {
      await mark(page)
      const title = await page.title()
      await page.evaluate((url) => void setTimeout(() => (location.href = url)), target)
      // An answer of main comes after the browser has dealt with the navigation.
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)))
      expect(await marked(page)).toBe(true)
      expect(await page.title()).toBe(title)
      expect(processTree(app.pid).filter(({ command }) => command.includes('xdg-'))).toEqual([])
    })
  }

  test('that take the page away give it back', async ({ page }) => {
    await mark(page)
    await page.evaluate(() => void setTimeout(() => (location.href = 'about:blank')))
    await expect.poll(() => marked(page).catch(() => true)).toBe(false)
    // The page itself adds a fragment: the place in the window.
    await page.waitForURL(/^https:\/\/station\.invalid\/(?:#|$)/)
    await page.waitForFunction(() => 'station' in globalThis)
  })

  test('open no second window', async ({ page, app }) => {
    await page.evaluate(() => {
      function open(): void {
        window.open('https://station.invalid/', '_blank', 'popup')
        Object.assign(globalThis, { tried: true })
      }
      document.addEventListener('click', open, { once: true })
    })
    // Not waited for: of a click that opens a window which is closed at once, Playwright can wait for the answer in vain.
    void page.mouse.click(5, 5).catch(() => null)
    await page.waitForFunction(() => 'tried' in globalThis)
    await app.logged('window.target-closed')
    await expect.poll(() => page.context().pages().length).toBe(1)
    expect(await page.evaluate(() => 'station' in globalThis)).toBe(true)
  })

  test('get no form, and no file is downloaded', async ({ page, app }) => {
    await mark(page)
    await page.evaluate(() => {
      const form = document.body.appendChild(document.createElement('form'))
      form.method = 'post'
      form.action = 'https://example.com/'
      form.submit()
      const link = document.body.appendChild(document.createElement('a'))
      link.href = '/index.html'
      link.download = 'planted.html'
      link.click()
    })
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)))
    expect(await marked(page)).toBe(true)
    expect(
      readdirSync(app.folders.home, { recursive: true }).filter((name) => String(name).includes('planted')),
    ).toEqual([])
  })

  test('in the file system are out of reach of the page', async ({ page }) => {
    const statuses = await page.evaluate(() =>
      Promise.all(
        [
          '/index.html',
          '/%2f..%2fmain%2findex.js',
          '/..%2f..%2fpackage.json',
          '/%00',
          '/nothing.js',
          '/..%5c..%5cx.js',
        ].map(async (path) => (await fetch(path)).status),
      ),
    )
    expect(statuses).toEqual([200, 404, 404, 404, 404, 404])
  })
})

test.describe('the browser’s own keys', () => {
  const chords = [
    'F1',
    'F11',
    'F12',
    'Shift+Escape',
    'Control+n',
    'Control+t',
    'Control+u',
    'Control+h',
    'Control+j',
    'Control+p',
    'Control+o',
    'Control+s',
    'Control+Shift+I',
    'Control+Shift+J',
    'Control+Shift+N',
    'Control+Shift+T',
    'Alt+f',
    'Alt+ArrowLeft',
  ]

  test('are stopped, and the page’s own handlers still see them', async ({ page, windowKind }) => {
    test.skip(windowKind === 'electron', 'there they belong to the menu, which the window does not have')
    await page.evaluate(() => {
      const seen: [string, boolean][] = []
      Object.assign(globalThis, { seen })
      addEventListener('keydown', (event) => seen.push([event.key, event.defaultPrevented]))
      addEventListener('contextmenu', (event) => seen.push(['contextmenu', event.defaultPrevented]))
    })
    for (const chord of chords) await page.keyboard.press(chord)
    await page.mouse.click(5, 5, { button: 'right' })
    const seen: [string, boolean][] = await page.evaluate(() => Reflect.get(globalThis, 'seen'))
    const pressed = seen.filter(([key]) => !['Control', 'Shift', 'Alt'].includes(key))
    expect(pressed).toHaveLength(chords.length + 1)
    expect(pressed.filter(([, prevented]) => !prevented)).toEqual([])
  })

  test('for editing are left alone', async ({ page }) => {
    await page.evaluate(() => {
      const field = document.body.appendChild(document.createElement('input'))
      field.id = 'planted-field'
      field.focus()
    })
    await page.keyboard.type('PIN 4711 @')
    await page.keyboard.press('Control+a')
    await page.keyboard.press('Control+x')
    await page.keyboard.press('Control+v')
    await page.keyboard.press('Control+v')
    await expect(page.locator('#planted-field')).toHaveValue('PIN 4711 @PIN 4711 @')
  })

  test('for reloading bring the page back with its functions', async ({ page }) => {
    await mark(page)
    await page.reload()
    expect(await page.evaluate(() => ['mark' in globalThis, 'station' in globalThis])).toEqual([false, true])
  })
})

test.describe('the processes of the station', () => {
  test('listen on no TCP and no UDP port', async ({ page, app }) => {
    await page.evaluate(() => fetch('/index.html').then((response) => response.status))
    const tree = processTree(app.pid)
    expect(tree.length).toBeGreaterThan(4)
    expect(tree.flatMap(({ pid, command }) => openPorts(pid).map((port) => `${port} ${command}`))).toEqual([])
    // The look itself is tried: a port of this process is seen.
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    expect(openPorts(process.pid)).toContainEqual(expect.stringMatching(/^tcp 0100007F:/))
    server.close()
  })

  test('draw in a sandbox', async ({ page, app }) => {
    await page.title()
    const renderers = processTree(app.pid).filter(({ command }) => command.includes('--type=renderer'))
    expect(renderers.length).toBeGreaterThan(0)
    for (const { pid, command } of renderers) {
      expect(command).not.toContain('--no-sandbox')
      expect(statusField(pid, 'Seccomp')).toBe('2')
      expect(statusField(pid, 'CapEff')).toMatch(/^0+$/)
    }
  })

  test('survive the death of the page’s process', async ({ page, app }) => {
    await mark(page)
    const crashed = page.waitForEvent('crash')
    for (const { pid, command } of processTree(app.pid))
      if (command.includes('--type=renderer')) process.kill(pid, 'SIGKILL')
    await crashed
    const again = await app.attach()
    expect(await again.evaluate(() => ['mark' in globalThis, 'station' in globalThis])).toEqual([false, true])
  })

  test('leave no image of a page that crashed', async ({ page, app, windowKind }) => {
    test.skip(windowKind === 'electron', 'Electron writes none unless its crash reporter is started, and it is not')
    await mark(page)
    const crashed = page.waitForEvent('crash')
    for (const { pid, command } of processTree(app.pid))
      if (command.includes('--type=renderer')) process.kill(pid, 'SIGABRT')
    await crashed
    await (await app.attach()).title()
    const handlers = allProcesses().filter(
      ({ command }) => command.includes('crashpad_handler') && command.includes(app.folders.base),
    )
    expect(handlers).toEqual([])
    const files = readdirSync(app.folders.base, { recursive: true }).map(String)
    expect(files.filter((name) => name.endsWith('.dmp') || name.includes('Crash Reports'))).toEqual([])
  })

  test('survive the death of the browser with a new window', async ({ page, app, windowKind }) => {
    test.skip(windowKind !== 'chromium', 'in Electron the browser process is the program itself')
    await page.title()
    const [browser] = processTree(app.pid).filter(
      ({ command }) => command.includes('/chromium ') && !command.includes('--type='),
    )
    process.kill(browser?.pid ?? -1, 'SIGKILL')
    await app.logged('browser.died')
    const again = await app.attach()
    expect(await again.evaluate(() => 'station' in globalThis)).toBe(true)
    expect(app.log()).toContain('SIGKILL')
  })

  test('leave nothing behind when the program is killed', async ({ page, app }) => {
    await page.title()
    app.kill('SIGKILL')
    expect(await app.exit).toMatchObject({ signal: 'SIGKILL' })
    await expect.poll(() => allProcesses().filter(({ command }) => command.includes(app.folders.base))).toEqual([])
  })

  test('end in order on SIGTERM, with exit code 0 and no browser profile left', async ({ page, app }) => {
    await page.title()
    app.kill('SIGTERM')
    expect(await app.exit).toEqual({ code: 0, signal: null })
    expect(
      readdirSync(app.folders.runtime, { recursive: true }).filter((name) => String(name).includes('browser-')),
    ).toEqual([])
    await expect.poll(() => allProcesses().filter(({ command }) => command.includes(app.folders.base))).toEqual([])
  })

  test('end when the window is closed', async ({ page, app }) => {
    await page.close()
    expect(await app.exit).toEqual({ code: 0, signal: null })
  })
})

test.describe('a start', () => {
  test('beside a running station ends with code 3 and leaves the first alone', async ({ page, app }) => {
    await mark(page)
    const second = app.startAnother()
    expect(await second.exit).toEqual({ code: 3, signal: null })
    expect(second.log()).toContain('running already')
    expect(await marked(page)).toBe(true)
  })

  test('as root is refused with the way to do it', async ({ app }) => {
    test.skip(process.getuid?.() !== 0, 'only root can try to be root')
    const second = app.startAnother({ asTestUser: true })
    expect((await second.exit).code).not.toBe(0)
    expect(second.log()).toMatch(/does not run as root[\s\S]*setpriv/)
    expect(readdirSync(join(app.folders.base))).toEqual(expect.arrayContaining(['home', 'profile', 'run']))
  })
})
