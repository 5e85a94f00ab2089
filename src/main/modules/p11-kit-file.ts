/** One module as p11-kit's configuration names it (pkcs11.conf(5)). */
export type P11KitEntry = {
  /** Name of the file without `.module`. */
  readonly name: string
  /** As it stands there: absolute, or below p11-kit's folder of modules. */
  readonly module: string
  readonly enableIn: readonly string[] | null
  readonly disableIn: readonly string[] | null
  /** `trust-policy: yes`: certificates that the system trusts, and no token. */
  readonly isTrust: boolean
}

/** No such file has more than some lines; one that is longer is not read. */
export const maxP11KitBytes = 64 * 1024

type Field = 'module' | 'enable-in' | 'disable-in' | 'trust-policy'
const fields: readonly string[] = ['module', 'enable-in', 'disable-in', 'trust-policy'] satisfies Field[]

/** Lines `name: value`. Names that are not known here belong to p11-kit and are left alone. */
export function parseP11KitFile(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    const colon = trimmed.indexOf(':')
    if (trimmed.startsWith('#') || colon < 1) continue
    const name = trimmed.slice(0, colon).trim().toLowerCase()
    if (fields.includes(name)) found.set(name, trimmed.slice(colon + 1).trim())
  }
  return found
}

/** `files`: what each folder's file of that name says, the package's first: a field in a later one takes the place of an earlier. */
export function p11KitEntry(name: string, files: readonly ReadonlyMap<string, string>[]): P11KitEntry | null {
  const merged = new Map(files.flatMap((file) => [...file]))
  const module = merged.get('module')
  if (module === undefined || module === '') return null
  const programs = (field: Field) => {
    const value = merged.get(field)
    return value === undefined ? null : value.split(/[\s,]+/).filter((program) => program !== '')
  }
  return {
    name,
    module,
    enableIn: programs('enable-in'),
    disableIn: programs('disable-in'),
    isTrust: merged.get('trust-policy') === 'yes',
  }
}

/** Whether p11-kit would keep the module from a program of that name. */
export function isDisabledIn(entry: P11KitEntry, program: string): boolean {
  if (entry.enableIn !== null) return !entry.enableIn.includes(program)
  return entry.disableIn?.includes(program) ?? false
}
