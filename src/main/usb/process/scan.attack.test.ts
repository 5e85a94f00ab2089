import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { maxWatcherLine, watcherMessage } from '../protocol.ts'
import { scanUsb } from './scan.ts'

// A device chooses its names and numbers. It takes a microcontroller for some euros to say whatever one likes.

describe('a device that lies', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sysfs-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function put(port: string, attributes: Readonly<Record<string, string | Uint8Array>>): void {
    const own = join(folder, port)
    mkdirSync(own, { recursive: true })
    const all = { idVendor: '1050', idProduct: '0407', busnum: '1', devnum: '4', bNumInterfaces: ' 0', ...attributes }
    for (const [name, value] of Object.entries(all)) writeFileSync(join(own, name), value)
  }
  const devices = async () => (await scanUsb(folder)).devices
  const isTold = (scan: Awaited<ReturnType<typeof scanUsb>>) =>
    watcherMessage.safeParse({ kind: 'seen', watch: 'events', devices: scan.devices }).success

  test.each<[string, string | Uint8Array, string]>([
    ['10 kB of name', 'A'.repeat(10_240), 'A'.repeat(126)],
    ['a line end, to forge a second attribute', 'YubiKey\nidVendor=1050', 'YubiKey'],
    ['terminal escapes', '\u001b[2J\u001b[1;1Hok', '\u001b[2J\u001b[1;1Hok'],
    ['bidi overrides', 'YubiHSM \u202egnp.exe', 'YubiHSM \u202egnp.exe'],
    [
      'bytes that are no UTF-8',
      Uint8Array.from([0x59, 0xff, 0xfe, 0xed, 0xa0, 0x80]),
      'Y\ufffd\ufffd\ufffd\ufffd\ufffd',
    ],
    ['NUL', 'a\0b', 'a\0b'],
    ['emoji cut in two by the limit', `${'a'.repeat(125)}\u{1f511}`, `${'a'.repeat(125)}\ufffd`],
    ['nothing at all', '', ''],
  ])('with %s in its name is told within the limits of the contract', async (_, product, expected) => {
    put('1-1', { product, serial: product })
    const scan = await scanUsb(folder)
    expect(scan.devices.map((device) => device.product)).toEqual([expected])
    expect(isTold(scan)).toBe(true)
  })

  test.each<[string, Readonly<Record<string, string>>]>([
    ['a vendor that is no number', { idVendor: '10zz' }],
    ['a vendor of ten digits', { idVendor: '0000001050' }],
    ['an address beyond all', { devnum: '99999999' }],
    ['a negative bus', { busnum: '-1' }],
  ])('with %s is left out', async (_, attributes) => {
    put('1-1', attributes)
    expect(await devices()).toEqual([])
  })

  test('is no path: only names of ports are followed', async () => {
    put('1-1', {})
    mkdirSync(join(folder, 'usb1'))
    symlinkSync('/etc', join(folder, '1-1..'))
    symlinkSync('/etc', join(folder, 'etc-1'))
    writeFileSync(join(folder, '1-2'), 'a file')
    expect((await devices()).map(({ plug }) => plug)).toEqual(['1-1:1.4'])
  })

  test('that is seventy devices with forty interfaces each does not make a line longer than main takes', async () => {
    for (let n = 1; n <= 70; n += 1) {
      put(`1-${n}`, {
        devnum: String(n),
        product: '\u001b'.repeat(126),
        serial: '\u001b'.repeat(126),
        bNumInterfaces: '99',
      })
      for (let i = 0; i < 40; i += 1) {
        mkdirSync(join(folder, `1-${n}:1.${i}`))
        writeFileSync(join(folder, `1-${n}:1.${i}`, 'bInterfaceClass'), '0b')
      }
    }
    const scan = await scanUsb(folder)
    expect(scan.devices).toHaveLength(64)
    expect(isTold(scan)).toBe(true)
    expect(Buffer.byteLength(JSON.stringify({ kind: 'seen', watch: 'events', devices: scan.devices }))).toBeLessThan(
      maxWatcherLine,
    )
  })
})
