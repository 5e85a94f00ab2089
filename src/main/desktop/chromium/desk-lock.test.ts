import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { logindIsThere, meansLocked, watchDeskLock } from './desk-lock.ts'

const python = '/usr/bin/python3'
const children: ChildProcess[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const child of children.splice(0)) {
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGTERM')
    await gone
  }
})

/** Something that calls itself logind and says again and again what it is told to say. */
const fakeLogind = `
import sys, time, dbus, dbus.service, dbus.mainloop.glib
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection(sys.argv[1])
name = dbus.service.BusName('org.freedesktop.login1', bus)
class Session(dbus.service.Object):
    @dbus.service.signal('org.freedesktop.login1.Session')
    def Lock(self): pass
class Manager(dbus.service.Object):
    @dbus.service.signal('org.freedesktop.login1.Manager', signature='b')
    def PrepareForSleep(self, start): pass
session = Session(bus, '/org/freedesktop/login1/session/_31')
manager = Manager(bus, '/org/freedesktop/login1')
while True:
    session.Lock() if sys.argv[2] == 'lock' else manager.PrepareForSleep(sys.argv[2] == 'sleep')
    bus.flush()
    time.sleep(0.05)
`

function whyNoBus(): string | null {
  if (!existsSync('/usr/bin/dbus-daemon') || !existsSync('/usr/bin/gdbus'))
    return 'dbus-daemon or gdbus is not installed'
  if (spawnSync(python, ['-c', 'import dbus.mainloop.glib']).status !== 0) return 'python3-dbus is not installed'
  return null
}

async function privateBus(): Promise<string> {
  const daemon = spawn('/usr/bin/dbus-daemon', ['--session', '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.push(daemon)
  return new Promise((resolve) => createInterface({ input: daemon.stdout }).once('line', resolve))
}

describe('the watch on the desk', () => {
  it.for(['lock', 'sleep'])('hears logind say %s', async (says, context) => {
    const reason = whyNoBus()
    if (reason !== null) context.skip(reason)
    const address = await privateBus()
    vi.stubEnv('DBUS_SYSTEM_BUS_ADDRESS', address)
    children.push(spawn(python, ['-c', fakeLogind, address, says], { stdio: 'ignore' }))
    const watch = watchDeskLock(() => {})
    await new Promise<void>((resolve) => watch.onLock(resolve))
    expect(watch.isSeen()).toBe(true)
    watch.stop()
  })

  it('says that there is no system bus', async () => {
    vi.stubEnv('DBUS_SYSTEM_BUS_ADDRESS', 'unix:path=/nonexistent')
    const told = Promise.withResolvers<string>()
    const watch = watchDeskLock((event) => told.resolve(event))
    expect(await told.promise).toBe('desk-lock.not-watched')
    expect(watch.isSeen()).toBe(false)
    watch.stop()
  })
})

describe('a line of gdbus monitor', () => {
  it.each([
    '/org/freedesktop/login1/session/_31: org.freedesktop.login1.Session.Lock ()',
    '/org/freedesktop/login1: org.freedesktop.login1.Manager.PrepareForSleep (true,)',
    "/org/freedesktop/login1/session/_31: org.freedesktop.DBus.Properties.PropertiesChanged ('org.freedesktop.login1.Session', {'LockedHint': <true>}, @as [])",
  ])('means that the desk is locked: %s', (line) => {
    expect(meansLocked(line)).toBe(true)
  })

  it.each([
    '/org/freedesktop/login1/session/_31: org.freedesktop.login1.Session.Unlock ()',
    '/org/freedesktop/login1: org.freedesktop.login1.Manager.PrepareForSleep (false,)',
    "/org/freedesktop/login1/session/_31: org.freedesktop.DBus.Properties.PropertiesChanged ('org.freedesktop.login1.Session', {'LockedHint': <false>}, @as [])",
    'Monitoring signals from all objects owned by org.freedesktop.login1',
    'The name org.freedesktop.login1 is owned by :1.3',
  ])('does not: %s', (line) => {
    expect(meansLocked(line)).toBe(false)
  })
})

it('knows from what gdbus monitor says first whether logind is there', () => {
  expect(logindIsThere('The name org.freedesktop.login1 is owned by :1.3')).toBe(true)
  expect(logindIsThere('The name org.freedesktop.login1 does not have an owner')).toBe(false)
  expect(logindIsThere('/org/freedesktop/login1: org.freedesktop.login1.Manager.SessionNew (…)')).toBeNull()
})
