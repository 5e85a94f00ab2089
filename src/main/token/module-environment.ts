/** What PKCS#11 modules read, and nothing else of the environment: no PATH, no HOME, no LD_*, no NODE_OPTIONS. */
export function moduleEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of ['SOFTHSM2_CONF', 'YUBIHSM_PKCS11_CONF', 'PCSCLITE_CSOCK_NAME']) {
    const value = environment[name]
    if (value !== undefined && value !== '') kept[name] = value
  }
  return kept
}
