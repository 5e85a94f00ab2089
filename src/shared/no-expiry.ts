/** `notAfter` of a certificate that does not expire: RFC 5280 §4.1.2.5 says it so, and an OpenPGP certificate is shown the same way. */
export const noExpiry = '9999-12-31T23:59:59.000Z'
