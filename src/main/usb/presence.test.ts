import { expect, test } from 'vitest'
import type { UsbDevice, UsbState } from '../../shared/devices.ts'
import { silentLog } from '../log/logger.ts'
import { TokenPresence } from './presence.ts'
import { yubikey } from './testing/sample-devices.ts'

const other: UsbDevice = { ...yubikey, plug: '1-1:1.5', address: 5 }

/** A presence with a clock of its own: a pause ends when the test says so. */
function begin(shown: string[] = []) {
  const did: string[] = []
  const pauses: { milliseconds: number; end: () => void }[] = []
  const presence = new TokenPresence({
    devicesChanged: async (devices) => void did.push(`devices ${devices.map(({ address }) => address).join(',')}`),
    shownTokens: async () => [...shown],
    onDevices: ({ watch }) => void did.push(`screen ${watch}`),
    onTokens: () => void did.push('tokens'),
    pause: (milliseconds) => new Promise((resolve) => pauses.push({ milliseconds, end: () => resolve() })),
    log: silentLog,
  })
  const hear = async (devices: readonly UsbDevice[], watch: UsbState['watch'] = 'events') => {
    presence.heard({ watch, devices: [...devices] })
    await settled()
    return did.splice(0)
  }
  const endPause = async () => {
    const pause = pauses.shift()
    pause?.end()
    await settled()
    return [pause?.milliseconds, ...did.splice(0)]
  }
  return { presence, shown, hear, endPause, pauses }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('tells the screens at once, and then has the tokens read anew', async () => {
  const { hear } = begin()
  expect(await hear([])).toEqual(['screen events'])
  expect(await hear([yubikey])).toEqual(['screen events', 'devices 4', 'tokens'])
  expect(await hear([])).toEqual(['screen events', 'devices ', 'tokens'])
})

test('looks again until a module shows the token that came: pcscd needs longer than USB', async () => {
  const { presence, hear, endPause, shown, pauses } = begin(['one'])
  await hear([])
  presence.saw(['one'])
  await hear([yubikey])
  expect(await endPause()).toEqual([400, 'devices 4'])
  shown.push('two')
  expect(await endPause()).toEqual([1000, 'devices 4', 'tokens'])
  expect(pauses).toEqual([])
})

test('a token that somebody else saw first is announced all the same', async () => {
  const { presence, hear, endPause, shown } = begin(['one'])
  await hear([])
  presence.saw(['one'])
  await hear([yubikey])
  shown.push('two')
  presence.saw(['one', 'two'])
  expect(await endPause()).toEqual([400, 'devices 4', 'tokens'])
})

test('gives up after some looks: not everything that is plugged in is shown by a module', async () => {
  const { hear, endPause } = begin()
  await hear([])
  await hear([yubikey])
  expect([await endPause(), await endPause(), await endPause(), await endPause(), await endPause()]).toEqual([
    [400, 'devices 4'],
    [1000, 'devices 4'],
    [2500, 'devices 4'],
    [5000, 'devices 4'],
    [undefined],
  ])
})

test('does not let a second device wait for the looks at the first', async () => {
  const { hear, endPause } = begin()
  await hear([])
  await hear([yubikey])
  expect(await hear([yubikey, other])).toEqual(['screen events', 'devices 4,5', 'tokens'])
  // The first one's pause ends, and nothing comes of it.
  expect(await endPause()).toEqual([400])
  expect(await endPause()).toEqual([400, 'devices 4,5'])
})

test('takes the end of the watcher for no news about the devices', async () => {
  const { hear, endPause } = begin()
  await hear([])
  await hear([yubikey])
  expect(await hear([], 'off')).toEqual(['screen off'])
  expect(await endPause()).toEqual([400, 'devices 4'])
  expect(await hear([yubikey])).toEqual(['screen events'])
  expect(await hear([], 'polling')).toEqual(['screen polling', 'devices ', 'tokens'])
})

test('what was there at the start is told once', async () => {
  const { hear, pauses } = begin()
  expect(await hear([yubikey])).toEqual(['screen events', 'devices 4', 'tokens'])
  expect(pauses).toEqual([])
})

test('is silent once it is closed', async () => {
  const { hear, presence, endPause } = begin()
  await hear([])
  await hear([yubikey])
  presence.close()
  expect(await endPause()).toEqual([400])
  expect(await hear([])).toEqual([])
})
