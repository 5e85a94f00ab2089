/** Numbers of the bits: `yh_capability` in lib/yubihsm.h of yubihsm-shell 2.8.0. On the wire a set is a 64-bit integer. */
export const capability = {
  getOpaque: 0x00,
  putOpaque: 0x01,
  putAuthenticationKey: 0x02,
  putAsymmetricKey: 0x03,
  generateAsymmetricKey: 0x04,
  signPkcs: 0x05,
  signPss: 0x06,
  signEcdsa: 0x07,
  signEddsa: 0x08,
  decryptPkcs: 0x09,
  decryptOaep: 0x0a,
  deriveEcdh: 0x0b,
  exportWrapped: 0x0c,
  importWrapped: 0x0d,
  putWrapKey: 0x0e,
  generateWrapKey: 0x0f,
  exportableUnderWrap: 0x10,
  setOption: 0x11,
  getOption: 0x12,
  getPseudoRandom: 0x13,
  putHmacKey: 0x14,
  generateHmacKey: 0x15,
  signHmac: 0x16,
  verifyHmac: 0x17,
  getLogEntries: 0x18,
  signSshCertificate: 0x19,
  getTemplate: 0x1a,
  putTemplate: 0x1b,
  resetDevice: 0x1c,
  decryptOtp: 0x1d,
  createOtpAead: 0x1e,
  randomizeOtpAead: 0x1f,
  rewrapFromOtpAeadKey: 0x20,
  rewrapToOtpAeadKey: 0x21,
  signAttestationCertificate: 0x22,
  putOtpAeadKey: 0x23,
  generateOtpAeadKey: 0x24,
  wrapData: 0x25,
  unwrapData: 0x26,
  deleteOpaque: 0x27,
  deleteAuthenticationKey: 0x28,
  deleteAsymmetricKey: 0x29,
  deleteWrapKey: 0x2a,
  deleteHmacKey: 0x2b,
  deleteTemplate: 0x2c,
  deleteOtpAeadKey: 0x2d,
  changeAuthenticationKey: 0x2e,
  putSymmetricKey: 0x2f,
  generateSymmetricKey: 0x30,
  deleteSymmetricKey: 0x31,
  decryptEcb: 0x32,
  encryptEcb: 0x33,
  decryptCbc: 0x34,
  encryptCbc: 0x35,
  putPublicWrapKey: 0x36,
  deletePublicWrapKey: 0x37,
} as const
export type CapabilityName = keyof typeof capability

/** All bits, those without a name too: what the maker's shell sends for "all", and so what a new device's own key has to have. */
export const everyCapability: bigint = (1n << 64n) - 1n

export function capabilitySet(...names: readonly CapabilityName[]): bigint {
  return names.reduce((set, name) => set | (1n << BigInt(capability[name])), 0n)
}

export function hasCapability(set: bigint, name: CapabilityName): boolean {
  return ((set >> BigInt(capability[name])) & 1n) === 1n
}

/** Whether everything in `inner` is in `outer` too. */
export function isWithin(inner: bigint, outer: bigint): boolean {
  return (inner & ~outer) === 0n
}
