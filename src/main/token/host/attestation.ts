import pkcs11js from 'pkcs11js'
import type { HostAnswer } from '../protocol.ts'
import type { Handle, Pkcs11Module } from './module.ts'
import { HostError } from './pkcs11-error.ts'

// ykcs11 shows what the ATTEST command gives for a slot as a certificate object under the id of the slot's key, told from the slot's own
// certificate by its label alone; the certificate of F9 is one under an id of its own. No other module shows any: OpenSC and
// yubihsm_pkcs11 have no such objects.
const statementLabel = /^X\.509 Certificate for PIV Attestation [0-9a-f]{2}$/
const deviceLabel = 'X.509 Certificate for PIV Attestation'

const maxCertificate = 16 * 1024

/** The bytes are handed on unread: who parses what an attacker may have written holds no token. */
export function readAttestation(module: Pkcs11Module, session: Handle, ckaId: string): HostAnswer<'read-attestation'> {
  const id = Buffer.from(ckaId, 'hex')
  const statement = labelled(module, session, id, (label) => statementLabel.test(label))
  const device = labelled(module, session, null, (label) => label === deviceLabel)
  return { statement, device }
}

function labelled(
  module: Pkcs11Module,
  session: Handle,
  id: Buffer | null,
  wanted: (label: string) => boolean,
): Uint8Array | null {
  const found = module.findObjects(session, pkcs11js.CKO_CERTIFICATE, id).flatMap((handle) => {
    const label = module.attributes(session, handle, [pkcs11js.CKA_LABEL]).get(pkcs11js.CKA_LABEL)?.toString('utf8')
    if (label === undefined || !wanted(label)) return []
    const value = module.attributes(session, handle, [pkcs11js.CKA_VALUE]).get(pkcs11js.CKA_VALUE)
    return value === undefined || value.length === 0 || value.length > maxCertificate ? [] : [value]
  })
  const [only] = found
  if (found.length > 1) throw new HostError('key-ambiguous', `${found.length} attestation certificates of one key`)
  return only === undefined ? null : Uint8Array.from(only)
}
