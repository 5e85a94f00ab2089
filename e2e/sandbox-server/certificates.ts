import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const openssl = '/usr/bin/openssl'

export interface ServerCertificate {
  /** The private CA, as a client has to trust it. */
  readonly caPem: string
  readonly certificatePem: string
  readonly keyPem: string
}

/** A private CA and a certificate for localhost, 127.0.0.1 and ::1, good for 30 days; the CA's key is forgotten. */
export async function makeServerCertificate(): Promise<ServerCertificate> {
  const dir = await mkdtemp(join(tmpdir(), 'sandbox-ca-'))
  try {
    const extensions = join(dir, 'server.ext')
    await writeFile(
      extensions,
      'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n',
    )
    const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256'.split(' ')
    const at = (name: string) => join(dir, name)
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
    const authority = ['-subj', '/CN=Sandbox server CA', '-days', '30', ...usage]
    await run(openssl, ['req', '-new', '-x509', ...key, ...authority, '-keyout', at('ca.key'), '-out', at('ca.pem')])
    const subject = ['-subj', '/CN=localhost', '-keyout', at('server.key')]
    await run(openssl, ['req', '-new', ...key, ...subject, '-out', at('server.csr')])
    const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '30', '-sha256']
    const input = ['-in', at('server.csr'), '-extfile', extensions, '-out', at('server.pem')]
    await run(openssl, ['x509', '-req', ...signed, ...input])
    const read = (name: string) => readFile(join(dir, name), 'utf8')
    return { caPem: await read('ca.pem'), certificatePem: await read('server.pem'), keyPem: await read('server.key') }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
