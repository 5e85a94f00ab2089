/**
 * Text out of a file: UTF-8, every malformed byte replaced, cut at `maxLength` UTF-16 units. Control and direction characters stay: what the file
 * says is a fact, and the screen escapes it.
 */
export function inspectedText(bytes: Uint8Array, maxLength: number): { readonly text: string; readonly cut: boolean } {
  const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  if (whole.length <= maxLength) return { text: whole, cut: false }
  const text = whole.slice(0, maxLength)
  return { text: text.isWellFormed() ? text : text.slice(0, -1), cut: true }
}

/** The bytes up to the first zero byte. */
export function untilZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}
