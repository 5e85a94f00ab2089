import { readFileSync, statSync } from 'node:fs'

/** The `connector` lines of yubihsm_pkcs11.conf: what the module uses, so that log and signatures are of the same devices. */
export interface Connectors {
  /** HTTP on this machine: `http://127.0.0.1:12345`. */
  readonly urls: readonly string[]
  /** Others: direct USB, TLS, other machines. The log is not read through them. */
  readonly unused: readonly string[]
}

const largestFile = 64 * 1024

/** `file`: what YUBIHSM_PKCS11_CONF names. One that is not there, or cannot be read, names no connector. */
export function readConnectors(file: string | undefined): Connectors {
  if (file === undefined) return parseConnectors('')
  try {
    return statSync(file).size > largestFile ? parseConnectors('') : parseConnectors(readFileSync(file, 'utf8'))
  } catch {
    return parseConnectors('')
  }
}

/** Lines as yubihsm_pkcs11 reads them: `connector=URL`, blanks and quotes allowed, `#` begins a comment. */
export function parseConnectors(text: string): Connectors {
  const values = [...text.matchAll(/^[ \t]*connector(?:[ \t]*=[ \t]*|[ \t]+)(?:"([^"\n]*)"|([^\s#"]+))/gm)].map(
    (match) => match[1] ?? match[2] ?? '',
  )
  const urls = values.flatMap((value) => loopbackUrl(value) ?? [])
  return { urls: [...new Set(urls)], unused: values.filter((value) => loopbackUrl(value) === null) }
}

/** The log is not secret and the session proves both ends, but a PIN is tried there: only what this machine runs gets to see that. */
function loopbackUrl(value: string): string | null {
  const url = URL.parse(value)
  if (url === null || url.protocol !== 'http:' || url.username !== '' || url.password !== '') return null
  const here = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(url.hostname)
  return here && url.pathname === '/' && url.search === '' ? url.origin : null
}
