import { expect, it } from 'vitest'
import { fingerprint } from '../../shared/ids.ts'
import { metadata011, metadata016 } from './metadata.ts'
import { nameFault } from './safe-name.ts'
import type { Offer } from './server.ts'

const key = fingerprint.parse('A'.repeat(64))
const uefi: Offer = {
  signPurposes: ['uefi'],
  usableKeys: [{ purpose: 'uefi', fingerprint: key }],
  generatesKeys: false,
  version: '0.1.0',
}
const nothing: Offer = { signPurposes: [], usableKeys: [], generatesKeys: false, version: '0.1.0' }

it('offers to 0.11 exactly what can be signed now, and no key generation where none is wanted', () => {
  expect(metadata011(uefi)).toEqual({
    'system:worker_type': 'signing',
    'signing:generatekey:version': 0,
    'signing:sign:version': 1,
    'signing:sign:available:uefi': true,
    'signing-station:version': '0.1.0',
    'signing-station:purposes': ['uefi'],
    'signing-station:usable-keys': [`uefi:${key}`],
  })
  expect(Object.keys(metadata011(nothing)).filter((name) => name.startsWith('signing:'))).toEqual([
    'signing:generatekey:version',
  ])
  expect(metadata011({ ...uefi, signPurposes: ['openpgp'] })).not.toHaveProperty('signing:sign:available:uefi')
})

it('offers to 0.16 the tags of what can be signed now', () => {
  expect(metadata016(uefi)).toMatchObject({
    provided_tags: ['worker:cap:sbsign', 'worker:task:signing:sign:version:1'],
    'signing-station:usable-keys': [`uefi:${key}`],
  })
  expect(metadata016(nothing)).toMatchObject({ provided_tags: [], 'signing-station:purposes': [] })
  expect(metadata016({ ...uefi, signPurposes: ['openpgp'] })).toMatchObject({
    provided_tags: [
      'worker:cap:debsign',
      'worker:task:signing:debsign:version:1',
      'worker:task:signing:sign:version:1',
    ],
  })
})

it('asks for keys to be made only where the station takes such requests', () => {
  const asking = { ...nothing, generatesKeys: true }
  // debusine 0.11's own worker says null; leaving it out would mean the same.
  expect(metadata011(asking)).toMatchObject({ 'signing:generatekey:version': null })
  expect(metadata016(asking)).toMatchObject({ provided_tags: ['worker:task:signing:generatekey:version:1'] })
})

it('allows what Debian packages really have in their file names', () => {
  for (const path of [
    'a',
    'shim-unsigned/usr/lib/shim/shimx64.efi',
    'x/dev-disk-by\\x2dlabel.device',
    'a b',
    'te+st~1.log',
    'naïve/文.efi',
    '..a',
    'a..',
    '...',
    'a/.hidden',
    `${'a/'.repeat(249)}ab`,
  ]) {
    expect([path, nameFault(path)]).toEqual([path, null])
  }
})

it('offers uploads with a key for them, and indexes with one for those, and no more', () => {
  const uploads = { ...nothing, signPurposes: ['openpgp'] }
  expect(metadata016(uploads)).toMatchObject({
    provided_tags: [
      'worker:cap:debsign',
      'worker:task:signing:debsign:version:1',
      'worker:task:signing:sign:version:1',
    ],
  })
  expect(metadata011(uploads)).toMatchObject({
    'signing:sign:version': 1,
    'signing:debsign:version': 1,
    'signing:debsign:available': true,
  })
  const indexes = { ...nothing, signPurposes: ['openpgp-repository'] }
  expect(metadata016(indexes)).toMatchObject({ provided_tags: ['worker:task:signing:signrepositoryindex:version:1'] })
  expect(metadata011(indexes)).not.toHaveProperty('signing:sign:version')
})
