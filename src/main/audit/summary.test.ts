import { describe, expect, it } from 'vitest'
import { summary } from './summary.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'

describe('the one-line summary of an entry', () => {
  it('says what each event records', () => {
    expect(sampleEntries().map(summary)).toEqual([
      'Station “station.example.org” was created by “Zoë” with version 0.1.0',
      'The station started, version 0.1.0',
      '“Zoë” is about to enrol at https://debusine.example.org/api as “station.example.org” (activation-token)',
      'Enrolled at https://debusine.example.org/api as “station.example.org” (activation-token)',
      '“Zoë” set the user’s API token',
      '“Zoë” went on duty',
      'Key C3C3C3C3C3C3C3C3… “Secure Boot signing key” registered for uefi: generated on the token, token 12345678',
      '“Zoë” asked token 07550140 to prove that it holds key C3C3C3C3C3C3C3C3… for uefi',
      '“Zoë” made key “Secure Boot test key” (rsa-2048, public key 0808080808080808…) for uefi, software key store; it is about to sign its certificate',
      'Attestation of key C3C3C3C3C3C3C3C3… for uefi, token 12345678, read from the token: verified up to “CN=Yubico Attestation Root 1”',
      '“Zoë” is about to have key “Secure Boot signing key 2027” (rsa-3072, production) made for uefi, token 12345678, id 02',
      'No key was made, token 12345678: The token does not make a key of this kind.',
      'Key of public key 0808080808080808… is about to sign its certificate request, token 07550140',
      '“Zoë” gave up the new key of public key 0808080808080808…: The token was reset before witnesses.',
      'Key C3C3C3C3C3C3C3C3… for uefi is asset 91 at https://debusine.example.org/api, workspace “System”',
      '“Zoë” extended OpenPGP key A1A1A1A1A1A1A1A1… for openpgp; it expires 2030-01-02',
      'Key A2A2A2A2A2A2A2A2…, token 87654321, signs as a subkey of OpenPGP key A1A1A1A1A1A1A1A1…, token 12345678, for openpgp: certificate 0c0c0c0c0c0c0c0c…, made by “Zoë”',
      'Key C3C3C3C3C3C3C3C3… for uefi changed from active to suspended by “Zoë”',
      'Request (work request 42) received from https://debusine.example.org/api, workspace “System”, for uefi with key C3C3C3C3C3C3C3C3…',
      '“Zoë” asked for the request anew, and the server handed it out again',
      'Sheet d4d4d4d4d4d4d4d4… was shown to “Zoë”',
      'Sheet d4d4d4d4d4d4d4d4… was approved by “Zoë”, acknowledging file-explained',
      'Declined by “Zoë” before there was a sheet: Not wanted.',
      'Login of “Zoë” at token 12345678 failed: pin-incorrect',
      'About to sign “boot/grubx64.efi” (a1a1a1a1a1a1a1a1…) with key C3C3C3C3C3C3C3C3…, token 12345678; 2 of 2 declared certificates trusted',
      'About to sign “boot/grubx64.efi” (a1a1a1a1a1a1a1a1…) with key C3C3C3C3C3C3C3C3…, token 12345678; 2 of 2 declared certificates trusted',
      'Signed “boot/grubx64.efi” (a1a1a1a1a1a1a1a1…) with key C3C3C3C3C3C3C3C3…; output e5e5e5e5e5e5e5e5…',
      'Not signed: “boot/grubx64.efi” (a1a1a1a1a1a1a1a1…): The token was removed. A signature may exist.',
      'Returned to the server as success: 0 outputs, 0 errors',
      'Incident: 1 signature without a known outcome (13). The token was removed.',
      'Incident closed by “Zoë”: The signature is not used.',
      'The clock was moved back from 2026-01-02T03:04:06.000Z to 2026-01-02T03:04:05.000Z',
      '“Zoë” had the key made that signs the checkpoints of this log: station.example/signing-log/0123456789abcdef+12345678+AQIDBA==',
      '“Zoë” closed the contradiction by the checkpoint of 9 entries from “/media/audit/signing-station-12345678.checkpoint”, which this log does not contain: The disk was replaced, and the copy of the evening before was put back.',
      'Log of device 07550140 drained: 3 new entries, 0 known; it could not log 0 boots and 2 authentications',
      'Incident (use-not-ours): the log of device 07550140 and this one differ. The device signed with key 0x0064, and this log has no signature for it.',
      'Incident with device 07550140, opened by entry 12, closed by “Zoë”: A test of the custodian’s, before the station had the key.',
      '“Zoë” added the root “CN=Own root” (0c0c0c0c0c0c0c0c…) for attestations of a YubiHSM',
      '“Zoë” withdrew the root “CN=Own root” (0c0c0c0c0c0c0c0c…) for attestations of a YubiHSM',
      '“Zoë” is about to answer work request 54 at https://debusine.example.org/api, as “zoe”: no, “Do not sign” (“Wrong suite.”)',
      'Answer to work request 54 at https://debusine.example.org/api: taken; it is aborted',
      'Service key 5a5a5a5a5a5a5a5a… (“9999-0a1b2c3d.key”) was made by “Zoë”',
      'The key of this log was sealed anew by “Zoë”: from service key 5b5b5b5b5b5b5b5b… to 5a5a5a5a5a5a5a5a…',
      '“Zoë” is about to take 2 keys from a dump (3a3a3a3a3a3a3a3a…) and leaves 1',
      '“Zoë” exported 3 sealed keys to a file (4a4a4a4a4a4a4a4a…)',
      '“Zoë” opened “/home/operator/grubx64.efi” (a1a1a1a1a1a1a1a1…) by hand, which is “/home/operator/build/grubx64.efi”, to be signed as uefi-detached',
      'Output e5e5e5e5e5e5e5e5… was written to “/home/operator/grubx64.efi.sig”, in place of e6e6e6e6e6e6e6e6…, as “Zoë” said',
      '“Zoë” approved ahead up to 20 requests of “["https://debusine.example.org","debian","sid","forky","testing","forky"]” for key C3C3C3C3C3C3C3C3…, token 12345678, until 2026-01-02T07:04:05.000Z',
      'Sheet d4d4d4d4d4d4d4d4… was approved by the standing approval of “Zoë” for key C3C3C3C3C3C3C3C3…, use 1 of 20',
      'The standing approval for key C3C3C3C3C3C3C3C3… is over (token-lost) after 1 use',
      '“Zoë” changed settings: trustedCerts',
      '“Zoë” began the ceremony “New Secure Boot key”, plan 1b1b1b1b1b1b1b1b…',
      'Ceremony: step “backup” (wrap-backup) begun',
      'Ceremony: device 07550140 is about to be asked in step “backup”: export-wrapped key 0123 under wrap key 0200',
      'Ceremony: step “backup” did not succeed (hsm-refused): The YubiHSM refused.',
      'Ceremony: step “backup” done, record 1c1c1c1c1c1c1c1c…',
      'Ceremony: step “bag” was SKIPPED, by “Witness”: The device came without a bag.',
      'Ceremony completed, 1 deviation; transcript 1d1d1d1d1d1d1d1d… sealed',
    ])
  })

  it('keeps "declared empty" and "not declared" apart, and a software key from a token', () => {
    expect(
      summary({ ...sampleIntent(), tokenSerial: null, trustedCertsVerdict: { kind: 'declared-empty' } }),
    ).toContain('software key store; declared to trust no certificate')
    expect(summary({ ...sampleIntent(), trustedCertsVerdict: { kind: 'not-declared' } })).toContain(
      'trusted certificates not declared',
    )
  })

  it('stays one line that cannot be reordered by a name from outside', () => {
    expect(summary({ ...sampleIntent(), path: 'a\n\u202eb\u2028\u0000' })).toContain(
      '“a\\u{a}\\u{202e}b\\u{2028}\\u{0}”',
    )
  })
})
