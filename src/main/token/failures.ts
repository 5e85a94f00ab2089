import type { FailureKind } from '../../shared/failure.ts'
import type { HostFailure } from './protocol.ts'
import { serviceKeyFingerprint } from './service-key-fingerprint.ts'
import type { TokenFailure, TokenFailureCode } from './token-service.ts'

/** What each failure means, what was kept and what to do. The token's own words are in `detail`, for the log. */
const sentences: Readonly<Record<TokenFailureCode, readonly [FailureKind, string]>> = {
  'module-not-loadable': [
    'unavailable',
    'The PKCS#11 module cannot be loaded. Check its path, its configuration and that it fits this machine.',
  ],
  'module-crashed': [
    'unavailable',
    'The token process ended by itself. If a signature was under way it may have been made; what was handed out before is kept. A new process is started for the next use, and the PIN is asked again.',
  ],
  'module-timeout': [
    'unavailable',
    'The token did not answer in time and its process was ended. If a signature was under way it may have been made; what was handed out before is kept. Unplug the token and plug it in again.',
  ],
  'token-absent': [
    'unavailable',
    'The token is not there. Plug it in, or check that its module is enabled in Settings.',
  ],
  'token-removed': [
    'unavailable',
    'The token was removed or stopped answering. If a signature was under way it may have been made. Plug it in again; the PIN is asked again.',
  ],
  'token-ambiguous': [
    'refused',
    'The token cannot be told apart: it has no serial number, or another has the same. Nothing was used. Leave only one plugged in and enable only one module for it.',
  ],
  'token-swapped': [
    'refused',
    'The token was exchanged for another while it was in use. Its answer was thrown away. Put the registered token back and begin again.',
  ],
  'key-absent': [
    'unavailable',
    'The token holds no key of that id. Check that it is the right token and that the key was not deleted.',
  ],
  'key-ambiguous': [
    'refused',
    'The token holds several keys of that id. Nothing was used. Remove or rename the others.',
  ],
  'key-mismatch': [
    'refused',
    'The key is not the registered one: its public key differs. Nothing was signed. Find out who changed the token before it is used again.',
  ],
  'pin-incorrect': [
    'refused',
    'The token did not accept the PIN. It was tried once and is not tried again without you.',
  ],
  'pin-locked': [
    'refused',
    'The PIN of the token is locked. Nothing was signed. Unlock it with the PUK or the security officer’s PIN.',
  ],
  'pin-last-try': [
    'refused',
    'The token has one PIN try left; a wrong PIN would lock it. It was not used. Agree to use the last try, or reset the counter first.',
  ],
  'pin-length': ['invalid', 'The PIN is shorter or longer than the token takes. It was not sent, and no try was used.'],
  'pin-wanted': [
    'refused',
    'The token did not sign: it wants the PIN, or it was not touched in time. Begin again with the PIN, and touch the token when it asks.',
  ],
  'touch-timeout': [
    'unavailable',
    'The token waited for a touch that did not come. Nothing was signed with it; the PIN was right and no try was used. Begin again, and touch the token when it asks.',
  ],
  'module-too-old': [
    'unavailable',
    'The installed module of Yubico (ykcs11) is too old for this key: it cannot sign with RSA keys of 3072 or 4096 bits. Nothing was signed, and the PIN was not used. Install ykcs11 2.7 or later (Debian 13 has it), or choose a newer module in Settings.',
  ],
  'mechanism-unsupported': [
    'refused',
    'The token cannot make this kind of signature with this key. Nothing was signed.',
  ],
  'signature-wrong': [
    'refused',
    'The token gave a signature that its own public key does not verify. It was thrown away. Do not use the token until that is explained.',
  ],
  'token-error': [
    'unavailable',
    'The token reported an error. Nothing was handed out. The number is in the log; unplug the token and plug it in again.',
  ],
  'session-ended': [
    'unavailable',
    'This key was not asked: the token process that held it had ended before, after a failure or because a token was removed. What was signed before is kept. Begin again; the PIN is asked again.',
  ],
  'service-key-absent': [
    'unavailable',
    'The software key cannot be opened: the service key that it was sealed with is not in this station’s folder of service keys. Put it back, mode 0600; the sealed key itself is kept.',
  ],
  'service-key-unsafe': [
    'refused',
    'A file in this station’s folder of service keys is not safe to use, so none was used and no software key was opened. Each has to be a file of 32 octets, mode 0600, of this user; “signing-station service-key list” says which is not.',
  ],
  'sealed-damaged': [
    'invalid',
    'The sealed record of the software key does not open with the service key that it names: it was changed. Nothing was done with it. Put the record back from a backup.',
  ],
  'service-key-unwritable': [
    'unavailable',
    'The service key, which software keys are sealed with, could not be written. No key was made. Check that the disk is not full and that the station’s folder of service keys belongs to this user.',
  ],
  'id-occupied': [
    'refused',
    'Something is under this id on the token already. Nothing was made, and nothing was overwritten. Choose an id that is free.',
  ],
  'generation-refused': [
    'refused',
    'The token does not make a key of this kind with these policies. No key was made. Choose another algorithm, or the default policies.',
  ],
  'generation-unclear': [
    'unavailable',
    'The token was asked to make a key and did not say clearly what came of it. A key that nobody knows may be on it. Look at the token before you go on.',
  ],
  'key-unprotected': [
    'refused',
    'The token made the key and says that the key can leave it. The key is not used. Delete it with the token’s own tool.',
  ],
  'connector-silent': [
    'unavailable',
    'The log of the YubiHSM was not read: its connector did not answer, or not as a connector does. Check that yubihsm-connector runs and that the device is plugged in.',
  ],
  'connector-not-used': [
    'refused',
    'The log of the YubiHSM was not read: the station reads it through yubihsm-connector on this machine only, and none is chosen. Choose http://127.0.0.1:12345 in Settings, under YubiHSM; direct USB (yhusb://) and connectors on other machines are not supported for the log yet.',
  ],
  'log-not-permitted': [
    'refused',
    'The log of the YubiHSM was not read: the authentication key of this PIN may not do that. Signing does not need it, but the device’s log is not held against this station’s until the key has the capability “get-log-entries”.',
  ],
  'log-login-unsupported': [
    'refused',
    'The log of the YubiHSM was not read: that needs a PIN of four hexadecimal digits and a password. Authentication keys on P-256 and in a YubiKey sign, but the station cannot read the log with them yet.',
  ],
  'log-process-ended': [
    'unavailable',
    'The log of the YubiHSM was not read: the process that reads it ended or did not answer in time. Nothing is lost; it is read at the next signature.',
  ],
  'device-log-full': [
    'unavailable',
    'The log of the YubiHSM is full or nearly so, and could not be taken out of it. The device forces auditing, so it would refuse to sign. Nothing more was signed; what is signed is kept.',
  ],
  'hsm-silent': [
    'unavailable',
    'The YubiHSM did not answer, or the process that speaks with it ended. If it was asked to change something it may have done so; the ceremony looks at that first when the step is tried again. Check that yubihsm-connector runs and that the device is plugged in.',
  ],
  'hsm-not-reached': [
    'refused',
    'The YubiHSM is reached through yubihsm-connector on this machine only, and yubihsm_pkcs11.conf names none. Nothing was changed. Set “connector=http://127.0.0.1:12345” there.',
  ],
  'hsm-refused': [
    'refused',
    'The YubiHSM refused. Nothing was changed. Check that the objects are there under these ids, that the key may be exported under wrap, and that the wrap key may export or import it.',
  ],
  'hsm-not-permitted': [
    'refused',
    'The authentication key of this PIN may not do that on the YubiHSM. Nothing was changed. Use one that has the capability.',
  ],
  'hsm-login-unsupported': [
    'refused',
    'This needs a PIN of four hexadecimal digits, the number of an authentication key, and its password. Nothing was sent to the device.',
  ],
  cancelled: ['refused', 'Stopped. What was signed before is kept; the rest was not signed.'],
}

export function tokenFailure(code: TokenFailureCode, detail?: string): TokenFailure {
  const [kind, message] = sentences[code]
  return detail === undefined ? { kind, code, message } : { kind, code, message, detail }
}

/**
 * Which service key is missing, and where it is looked for. The fingerprint is that of its public half, as `service-key list` and the
 * log show it, so that the right file can be found among backups.
 */
export function serviceKeyAbsent(publicKey: string, folder: string): TokenFailure {
  const print = serviceKeyFingerprint(Buffer.from(publicKey, 'base64'))
  return {
    kind: 'unavailable',
    code: 'service-key-absent',
    message: `The software key cannot be opened: it is sealed with the service key ${print} (SHA-256 of its public half), which is not in ${folder}. Put that file back, mode 0600, under any name that ends in .key; the sealed key itself is kept.`,
    detail: print,
  }
}

export function fromHost(failure: HostFailure): TokenFailure {
  // A YubiHSM whose audit log is full has no better word in PKCS#11.
  if (failure.detail.startsWith('CKR_DEVICE_MEMORY')) {
    const message =
      'The token has no room left. A YubiHSM answers so when its audit log is full: read the log out and free it. Nothing was signed.'
    return { kind: 'unavailable', code: failure.code, message, detail: failure.detail }
  }
  if (failure.detail.endsWith('at C_GetSlotList')) {
    const message =
      'The module cannot look for tokens. For a YubiKey, check that pcscd runs and that no other program (gpg’s scdaemon) holds the token; then refresh.'
    return { kind: 'unavailable', code: failure.code, message, detail: failure.detail }
  }
  return tokenFailure(failure.code, failure.detail)
}
