import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ServerCertificate {
  readonly key: string
  readonly cert: string
}

/** A CA made by openssl at test time, and server certificates of it. */
export interface TestCa {
  readonly pem: string
  /** `notAfter` as openssl writes times (`20200101000000Z`); names are subject alternative names. */
  issue(options?: {
    readonly names?: string
    readonly notBefore?: string
    readonly notAfter?: string
  }): ServerCertificate
}

export function makeCa(folder: string): TestCa {
  mkdirSync(folder, { recursive: true })
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe', cwd: folder })
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '30',
    '-subj',
    '/CN=Test CA',
  )
  writeFileSync(
    at('ca.cnf'),
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\nunique_subject=no\n[p]\ncommonName=supplied\n',
  )
  writeFileSync(at('index.txt'), '')
  let count = 0
  return {
    pem: readFileSync(at('ca.crt'), 'utf8'),
    issue: ({
      names = 'DNS:localhost,IP:127.0.0.1',
      notBefore = '20200101000000Z',
      notAfter = '20991231000000Z',
    } = {}) => {
      const name = `server${count++}`
      openssl(
        'req',
        '-new',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        '/CN=test server',
        '-addext',
        `subjectAltName=${names}`,
      )
      openssl(
        'ca',
        '-batch',
        '-config',
        'ca.cnf',
        '-keyfile',
        'ca.key',
        '-cert',
        'ca.crt',
        '-in',
        `${name}.csr`,
        '-out',
        `${name}.crt`,
        '-startdate',
        notBefore,
        '-enddate',
        notAfter,
        '-notext',
      )
      return { key: readFileSync(at(`${name}.key`), 'utf8'), cert: readFileSync(at(`${name}.crt`), 'utf8') }
    },
  }
}
