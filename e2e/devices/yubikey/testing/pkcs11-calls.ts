/** Value of an attribute in a template; bytes as hex. */
export type AttributeValue = number | boolean | string | { readonly hex: string }
export type Template = readonly (readonly [type: number, value: AttributeValue])[]
/** `hash`: the hash of a PSS mechanism, with its own length as salt. */
export type MechanismOf = { readonly type: number; readonly hash?: number }
/** As the module names it for this run of the process; bytes as hex. */
export type Hex = string

export type SeenToken = {
  readonly label: string
  readonly model: string
  readonly serial: string
  readonly flags: number
  readonly firmware: string
}
export type SeenObject = { readonly handle: Hex; readonly class: number; readonly id: Hex; readonly label: string }

/** What a PKCS#11 process can be asked. */
export type Calls = {
  readonly initialize: () => null
  readonly slots: () => Hex[]
  readonly tokenInfo: (slot: Hex) => SeenToken
  readonly mechanisms: (slot: Hex) => number[]
  readonly open: (slot: Hex) => Hex
  readonly close: (session: Hex) => null
  readonly login: (session: Hex, user: 'so' | 'user' | 'context', pin: string) => null
  readonly logout: (session: Hex) => null
  readonly setPin: (session: Hex, old: string, next: string) => null
  readonly objects: (session: Hex, wanted: Template) => SeenObject[]
  readonly attribute: (session: Hex, object: Hex, type: number) => Hex | null
  readonly signInit: (session: Hex, key: Hex, mechanism: MechanismOf) => null
  readonly sign: (session: Hex, data: Hex) => Hex
  readonly generate: (
    session: Hex,
    mechanism: number,
    publicTemplate: Template,
    privateTemplate: Template,
  ) => { readonly publicKey: Hex; readonly privateKey: Hex }
  readonly create: (session: Hex, attributes: Template) => Hex
  readonly destroy: (session: Hex, object: Hex) => null
  readonly waitForEvent: () => Hex | null
}
export type CallName = keyof Calls

export type Pkcs11Call = { readonly id: number; readonly name: CallName; readonly args: readonly unknown[] }
export type Pkcs11Answer =
  | { readonly id: number; readonly value: unknown }
  /** Name of the return value, CKR_…; or the text of another exception. */
  | { readonly id: number; readonly failed: string }

export function answerOf(calls: Calls, { id, name, args }: Pkcs11Call): Pkcs11Answer {
  try {
    const call = calls[name] as (...args: readonly unknown[]) => unknown
    return { id, value: call(...args) }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { id, failed: /CKR_\w+/.exec(text)?.[0] ?? text }
  }
}
