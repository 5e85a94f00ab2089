import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UsbState } from '../../shared/devices.ts'
import { UsbWatcher } from './usb-watcher.ts'

describe('main, with a watcher that was taken over', () => {
  let folder: string
  let watcher: UsbWatcher | null = null
  const states: UsbState[] = []
  const ends: { how: string; retryMs: number }[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watcher-'))
    states.length = 0
    ends.length = 0
  })
  afterEach(async () => {
    await watcher?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function begin(program: string, firstRetryMs = 60_000): UsbWatcher {
    const entry = join(folder, 'watcher.mjs')
    writeFileSync(entry, program)
    watcher = new UsbWatcher({
      node: process.execPath,
      entry: pathToFileURL(entry),
      onState: (state) => states.push(state),
      log: (event, fields) => {
        if (event === 'usb.watcher-ended')
          ends.push({ how: String(fields?.['how']), retryMs: Number(fields?.['retryMs']) })
      },
      firstRetryMs,
    })
    watcher.start()
    return watcher
  }

  const device = {
    plug: '1-1:1.4',
    kind: 'yubikey',
    vendorId: 0x1050,
    productId: 0x407,
    bus: 1,
    address: 4,
    product: 'x',
    serial: null,
    interfaces: ['ccid'],
  }
  const line = (change: object) =>
    JSON.stringify({ kind: 'seen', watch: 'events', devices: [{ ...device, ...change }] })

  test('stops listening to one that tells of thousands of plugs', async () => {
    begin(`
      for (let n = 0; ; n += 1) {
        const line = ${JSON.stringify(line({}))}.replace('"address":4', '"address":' + (n % 60000)) + '\\n'
        if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve))
      }`)
    await expect.poll(() => ends).toEqual([{ how: 'too many lines', retryMs: 60_000 }])
    expect(states.length).toBeLessThanOrEqual(101)
    expect(states.at(-1)).toEqual({ watch: 'off', devices: [] })
  })

  test('stops listening to one that never ends its line, and keeps none of it', async () => {
    begin(`
      const noise = Buffer.alloc(1 << 20, 0x61)
      for (;;) if (!process.stdout.write(noise)) await new Promise((resolve) => process.stdout.once('drain', resolve))`)
    await expect.poll(() => ends).toEqual([{ how: 'a line is too long', retryMs: 60_000 }])
    expect(states).toEqual([])
  })

  test.each<[string, string]>([
    ['no JSON', 'hello'],
    ['an unknown message', '{"kind":"open","path":"/dev/bus/usb/001/004"}'],
    ['a field that is not in the contract', line({ driver: 'usbfs' })],
    ['a name longer than USB allows', line({ product: 'a'.repeat(127) })],
    ['half a character', line({ product: '\ud800' })],
    ['a plug that is a path', line({ plug: '../../etc:1.1' })],
    ['a kind that is none', line({ kind: 'mouse' })],
    [
      'more devices than a bus has',
      JSON.stringify({ kind: 'seen', watch: 'events', devices: Array.from({ length: 65 }, () => device) }),
    ],
    ['a state that only main may tell', '{"kind":"seen","watch":"off","devices":[]}'],
  ])('believes nothing of %s', async (_, text) => {
    begin(`process.stdout.write(${JSON.stringify(`${text}\n${line({})}\n`)}); setInterval(() => {}, 1000)`)
    await expect.poll(() => ends).toEqual([{ how: 'broke the protocol', retryMs: 60_000 }])
    expect(states).toEqual([])
  })

  test('starts one that dies at once later each time', async () => {
    begin('process.exit(3)', 10)
    await expect.poll(() => ends.length).toBeGreaterThanOrEqual(4)
    expect(ends.slice(0, 4)).toEqual([10, 20, 40, 80].map((retryMs) => ({ how: 'exit code 3', retryMs })))
  })

  test('gives it no environment, and of Node’s powers only to read', async () => {
    process.env['WATCHER_MARKER'] = 'secret'
    begin(`
      import { spawnSync } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      const may = []
      try { spawnSync('/bin/true'); may.push('spawn') } catch {}
      try { writeFileSync(${JSON.stringify(join(folder, 'written'))}, ''); may.push('write') } catch {}
      if (Object.keys(process.env).length > 0) may.push('environment')
      const device = ${JSON.stringify(device)}
      console.log(JSON.stringify({ kind: 'seen', watch: 'events', devices: [{ ...device, product: may.join(' ') }] }))
      setInterval(() => {}, 1000)`)
    await expect.poll(() => states.length).toBe(1)
    delete process.env['WATCHER_MARKER']
    expect(states[0]?.devices[0]?.product).toBe('')
  })
})
