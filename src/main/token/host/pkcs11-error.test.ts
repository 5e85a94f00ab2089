import pkcs11js from 'pkcs11js'
import { describe, expect, test } from 'vitest'
import { CryptokiFailure, cryptokiError, failureOf, HostError } from './pkcs11-error.ts'

const failure = (name: string, number: number, method: string) =>
  failureOf(new CryptokiFailure({ name, number, method }))

describe('errors of PKCS#11', () => {
  test('are read in both forms that pkcs11js throws', () => {
    expect(cryptokiError(new pkcs11js.Pkcs11Error('CKR_PIN_INCORRECT', 160), 'C_Login')).toEqual({
      number: 160,
      name: 'CKR_PIN_INCORRECT',
      method: 'C_Login',
    })
    expect(cryptokiError(new Error('CKR_DEVICE_REMOVED:50'), 'C_FindObjects')).toEqual({
      number: 50,
      name: 'CKR_DEVICE_REMOVED',
      method: 'C_FindObjects',
    })
  })

  test('are not made of what is no answer of a module', () => {
    expect(cryptokiError(new TypeError('Argument 1 has wrong type'), 'C_Sign')).toBeNull()
    expect(cryptokiError(new Error('a CKR_OK:0 in the middle'), 'C_Sign')).toBeNull()
    expect(cryptokiError('CKR_PIN_INCORRECT:160', 'C_Sign')).toBeNull()
  })

  test('that are defects are thrown on', () => {
    expect(() => failureOf(new RangeError('ours'))).toThrow('ours')
  })

  test('carry no text but a name of PKCS#11', () => {
    expect(cryptokiError(new pkcs11js.Pkcs11Error('the PIN was 1234', 160), 'C_Login')?.name).toBe('CKR_VENDOR_DEFINED')
  })

  test.each([
    ['CKR_PIN_INCORRECT', 0xa0, 'C_Login', 'pin-incorrect'],
    ['CKR_PIN_LOCKED', 0xa4, 'C_Login', 'pin-locked'],
    ['CKR_PIN_LEN_RANGE', 0xa2, 'C_Login', 'pin-length'],
    // A YubiHSM: no such authentication key; a PIN without its four hex digits.
    ['CKR_OBJECT_HANDLE_INVALID', 0x82, 'C_Login', 'pin-incorrect'],
    ['CKR_ARGUMENTS_BAD', 0x07, 'C_Login', 'pin-incorrect'],
    ['CKR_OBJECT_HANDLE_INVALID', 0x82, 'C_SignInit', 'token-removed'],
    ['CKR_DEVICE_ERROR', 0x30, 'C_Sign', 'token-removed'],
    ['CKR_DEVICE_REMOVED', 0x32, 'C_Sign', 'token-removed'],
    ['CKR_SESSION_HANDLE_INVALID', 0xb3, 'C_SignInit', 'token-removed'],
    ['CKR_USER_NOT_LOGGED_IN', 0x101, 'C_Sign', 'pin-wanted'],
    ['CKR_MECHANISM_INVALID', 0x70, 'C_SignInit', 'mechanism-unsupported'],
    ['CKR_KEY_FUNCTION_NOT_PERMITTED', 0x68, 'C_SignInit', 'mechanism-unsupported'],
    ['CKR_GENERAL_ERROR', 0x05, 'C_SignInit', 'token-error'],
    ['CKR_VENDOR_DEFINED', 0x80000001, 'C_SignInit', 'token-error'],
    ['CKR_DEVICE_MEMORY', 0x31, 'C_Sign', 'token-error'],
    // Nobody knows whether it signed.
    ['CKR_GENERAL_ERROR', 0x05, 'C_Sign', 'token-removed'],
    ['CKR_FUNCTION_FAILED', 0x06, 'C_Sign', 'token-removed'],
    ['CKR_VENDOR_DEFINED', 0x80000001, 'C_Sign', 'token-removed'],
  ])('%s (%i) at %s means %s', (name, number, method, code) => {
    expect(failure(name, number, method)).toEqual({ code, detail: `${name} (0x${number.toString(16)}) at ${method}` })
  })

  test('keep a failure of the host as it is', () => {
    expect(failureOf(new HostError('key-absent', 'CKA_ID 01'))).toEqual({ code: 'key-absent', detail: 'CKA_ID 01' })
  })
})
