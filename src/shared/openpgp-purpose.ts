/** Purposes whose keys have an OpenPGP certificate; the others have one of X.509. */
export function isOpenPgp(what: string): what is 'openpgp' | 'openpgp-repository' {
  return what === 'openpgp' || what === 'openpgp-repository'
}
