import { describe, expect, it } from 'vitest'
import { meansLocked } from './desk-lock.ts'

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
