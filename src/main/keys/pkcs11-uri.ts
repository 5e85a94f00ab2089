import type { TokenId } from '../../shared/token.ts'

/**
 * The RFC 7512 URI of a private key: the token by manufacturer, model and serial as read back from it, the key by its escaped
 * id. Never a PIN, and no `pin-source`: the PIN is typed.
 */
export function pkcs11Uri(token: TokenId, ckaId: string): string {
  const id = ckaId.replaceAll(/../g, '%$&')
  return `pkcs11:manufacturer=${escaped(token.manufacturer)};model=${escaped(token.model)};serial=${escaped(token.serial)};id=${id};type=private`
}

/** Path attributes: everything but unreserved characters is escaped (RFC 7512 §2.3). */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
