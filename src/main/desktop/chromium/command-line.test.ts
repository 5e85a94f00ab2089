import { describe, expect, it } from 'vitest'
import { browserEnvironment, chromiumArguments, displayIsLocal } from './command-line.ts'

describe('the browser’s surroundings', () => {
  it('hold what drawing needs and no program, proxy, library or secret of ours', () => {
    expect(
      browserEnvironment({
        HOME: '/home/o',
        DISPLAY: ':0',
        LC_ALL: 'C.UTF-8',
        PATH: '/usr/bin',
        LD_PRELOAD: '/x.so',
        https_proxy: 'http://proxy',
        GOOGLE_API_KEY: 'k',
        DEBUSINE_TOKEN: 't',
        XDG_RUNTIME_DIR: undefined,
      }),
    ).toEqual({
      HOME: '/home/o',
      DISPLAY: ':0',
      LC_ALL: 'C.UTF-8',
      PATH: '/nonexistent',
      BREAKPAD_DUMP_LOCATION: '/proc',
    })
  })

  it('never switch the sandbox off or open a port, and reach Vite in development only', () => {
    const options = { title: 'a & <b>', profileDir: '/p', headless: true, development: false }
    const text = chromiumArguments(options).join(' ')
    expect(text).not.toMatch(/no-sandbox|remote-debugging-port|disable-web-security|enable-automation/)
    expect(text).toContain('--app=data:text/html,<title>a%20%26%20%3Cb%3E</title>')
    expect(text).toContain('--proxy-server=socks5://127.0.0.1:9')
    expect(chromiumArguments({ ...options, development: true }).join(' ')).not.toContain('--proxy')
  })

  it('are cut off from the network only where the display is on this machine', () => {
    expect([':0', ':99.0', 'unix:1', undefined].map((DISPLAY) => displayIsLocal({ DISPLAY }))).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['localhost:10.0', 'host:0'].map((DISPLAY) => displayIsLocal({ DISPLAY }))).toEqual([false, false])
  })
})
