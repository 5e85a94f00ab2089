// How yubihsm_pkcs11 is told where a YubiHSM is, for every process. No schema is in this file: the window has none.

/** Where the maker's connector listens when nothing else is said. */
export const defaultConnector = 'http://127.0.0.1:12345'

/**
 * HTTP or TLS to a connector, or the device itself on USB (`yhusb://`, one of several by its serial number). Nothing in it can end the
 * line of a configuration file, or begin another option.
 */
export const connectorPattern =
  /^(?:https?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?|yhusb:\/\/(?:serial=[0-9]{1,10})?)$/

/** Whether the module uses the device itself, without a connector. */
export function isDirect(connector: string): boolean {
  return connector.startsWith('yhusb://')
}

/** Why it cannot be used as typed, or null. */
export function connectorProblem(typed: string): string | null {
  if (connectorPattern.test(typed)) return null
  if (typed.startsWith('yhusb:'))
    return 'Direct USB is “yhusb://”, or “yhusb://serial=” and the serial number in digits.'
  return 'A connector is “http://” or “https://”, a host and a port, without a path; or “yhusb://”.'
}
