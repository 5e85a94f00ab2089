import pkcs11js from 'pkcs11js'
import type { Pkcs11Answer, Pkcs11Call } from './pkcs11-process.ts'

// A PKCS#11 module in a process of its own: it must not share one with the device that it calls, because its calls block.
const [, , path = ''] = process.argv
const module = new pkcs11js.PKCS11()
module.load(path)
module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })

process.on('message', ({ id, name, args }: Pkcs11Call) => {
  process.send?.({ id, ...answer(name, args) })
})
process.on('disconnect', () => process.exit())
process.send?.({ id: 0, value: null } satisfies Pkcs11Answer)

function answer(name: string, args: readonly unknown[]): Omit<Pkcs11Answer, 'id'> {
  try {
    // The caller's types are those of the module's own functions.
    const functions = module as unknown as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>
    return { value: functions[name]?.apply(module, [...args]) }
  } catch (error) {
    // pkcs11js throws two kinds of errors; both have the code's name in their text.
    const text = error instanceof Error ? error.message : String(error)
    return { failure: /CKR_\w+/.exec(text)?.[0] ?? text }
  }
}
