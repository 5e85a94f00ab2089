import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareProfile, profileAt } from './profile.ts'

test('the profile is where --profile says, else below XDG_DATA_HOME, else below the home folder', () => {
  const data = { XDG_DATA_HOME: '/data' }
  expect(profileAt('/elsewhere', data).dir).toBe('/elsewhere')
  expect(profileAt(null, data).dir).toBe('/data/signing-station')
  const home = join(homedir(), '.local/share/signing-station')
  expect(profileAt(null, {}).dir).toBe(home)
  // XDG base directory specification: an empty variable counts as unset.
  expect(profileAt(null, { XDG_DATA_HOME: '' }).dir).toBe(home)
})

test('everything of a profile is below its folder, as an absolute path', () => {
  const profile = profileAt('relative', {})
  expect(isAbsolute(profile.dir)).toBe(true)
  for (const [name, path] of Object.entries(profile)) {
    if (name !== 'dir') expect(path.startsWith(`${profile.dir}/`), name).toBe(true)
  }
})

test('its folders are for its user alone, also when others could enter them before; no database is made', () => {
  const base = mkdtempSync(join(tmpdir(), 'profile-'))
  try {
    const profile = profileAt(join(base, 'p'), {})
    mkdirSync(profile.spool, { recursive: true })
    chmodSync(profile.dir, 0o777)
    chmodSync(profile.spool, 0o777)
    prepareProfile(profile)
    for (const dir of [profile.dir, profile.spool, profile.serviceKeys, profile.exports, profile.runtime])
      expect(statSync(dir).mode & 0o777, dir).toBe(0o700)
    expect(existsSync(profile.database)).toBe(false)
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
})
