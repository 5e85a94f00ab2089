/** Command codes: `yh_cmd` in lib/yubihsm.h of yubihsm-shell 2.8.0. An answer has the command's code with the highest bit set. */
export const command = {
  echo: 0x01,
  createSession: 0x03,
  authenticateSession: 0x04,
  sessionMessage: 0x05,
  deviceInfo: 0x06,
  resetDevice: 0x08,
  getDevicePublicKey: 0x0a,
  closeSession: 0x40,
  getStorageInfo: 0x41,
  putOpaque: 0x42,
  getOpaque: 0x43,
  putAuthenticationKey: 0x44,
  putAsymmetricKey: 0x45,
  generateAsymmetricKey: 0x46,
  signPkcs1: 0x47,
  listObjects: 0x48,
  decryptPkcs1: 0x49,
  exportWrapped: 0x4a,
  importWrapped: 0x4b,
  putWrapKey: 0x4c,
  getLogEntries: 0x4d,
  getObjectInfo: 0x4e,
  setOption: 0x4f,
  getOption: 0x50,
  getPseudoRandom: 0x51,
  putHmacKey: 0x52,
  signHmac: 0x53,
  getPublicKey: 0x54,
  signPss: 0x55,
  signEcdsa: 0x56,
  deriveEcdh: 0x57,
  deleteObject: 0x58,
  decryptOaep: 0x59,
  generateHmacKey: 0x5a,
  generateWrapKey: 0x5b,
  verifyHmac: 0x5c,
  signSshCertificate: 0x5d,
  putTemplate: 0x5e,
  getTemplate: 0x5f,
  decryptOtp: 0x60,
  createOtpAead: 0x61,
  randomizeOtpAead: 0x62,
  rewrapOtpAead: 0x63,
  signAttestationCertificate: 0x64,
  putOtpAeadKey: 0x65,
  generateOtpAeadKey: 0x66,
  setLogIndex: 0x67,
  wrapData: 0x68,
  unwrapData: 0x69,
  signEddsa: 0x6a,
  blinkDevice: 0x6b,
  changeAuthenticationKey: 0x6c,
  putSymmetricKey: 0x6d,
  generateSymmetricKey: 0x6e,
  decryptEcb: 0x6f,
  encryptEcb: 0x70,
  decryptCbc: 0x71,
  encryptCbc: 0x72,
  putPublicWrapKey: 0x73,
  wrapKeyRsa: 0x74,
  unwrapKeyRsa: 0x75,
  exportWrappedRsa: 0x76,
  importWrappedRsa: 0x77,
  error: 0x7f,
} as const

/** What a device answers when it does not do what it is asked: `yh_rc` of the same header, without its sign. */
export const errorCode = {
  invalidCommand: 0x01,
  invalidData: 0x02,
  invalidSession: 0x03,
  authenticationFailed: 0x04,
  sessionsFull: 0x05,
  sessionFailed: 0x06,
  storageFailed: 0x07,
  wrongLength: 0x08,
  insufficientPermissions: 0x09,
  logFull: 0x0a,
  objectNotFound: 0x0b,
  invalidId: 0x0c,
  sshCaConstraint: 0x0e,
  invalidOtp: 0x0f,
  objectExists: 0x11,
  algorithmDisabled: 0x12,
} as const
export type ErrorCode = (typeof errorCode)[keyof typeof errorCode]

export const objectType = {
  opaque: 1,
  authenticationKey: 2,
  asymmetricKey: 3,
  wrapKey: 4,
  hmacKey: 5,
  template: 6,
  otpAeadKey: 7,
  symmetricKey: 8,
  publicWrapKey: 9,
} as const
export type ObjectType = (typeof objectType)[keyof typeof objectType]

/** How an object came to be; `wrapped` is added to what it was where it was made. */
export const origin = { generated: 0x01, imported: 0x02, wrapped: 0x10 } as const

export const deviceOption = { forceAudit: 0x01, commandAudit: 0x03, algorithmToggle: 0x04, fipsMode: 0x05 } as const

/** Values of an option; a fixed one stays until the device is reset. */
export const optionValue = { off: 0, on: 1, fixed: 2 } as const
export type OptionValue = (typeof optionValue)[keyof typeof optionValue]

/** In an entry of the log, where there is no such object. */
export const noObject = 0xffff
