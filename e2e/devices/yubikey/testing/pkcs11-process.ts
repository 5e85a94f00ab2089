// Runs as a process: one PKCS#11 module, driven by messages, so that a module that crashes takes no test along. Each call is one or
// two functions of Cryptoki; an answer of the module that is not CKR_OK goes back by its name.
import pkcs11js from 'pkcs11js'
import { answerOf, type Calls, type MechanismOf, type Pkcs11Call, type Template } from './pkcs11-calls.ts'

const [path = ''] = process.argv.slice(2)
const lib = new pkcs11js.PKCS11()
lib.load(path)

const bytes = (hex: string) => Buffer.from(hex, 'hex')
function mechanism({ type, hash }: MechanismOf): pkcs11js.Mechanism {
  if (hash === undefined) return { mechanism: type }
  const long = hash === pkcs11js.CKM_SHA384
  const mgf = long ? pkcs11js.CKG_MGF1_SHA384 : pkcs11js.CKG_MGF1_SHA256
  const parameter = { type: pkcs11js.CK_PARAMS_RSA_PSS, hashAlg: hash, mgf, saltLen: long ? 48 : 32 }
  return { mechanism: type, parameter }
}
const template = (list: Template) =>
  list.map(([type, value]) => ({ type, value: typeof value === 'object' ? bytes(value.hex) : value }))
const users = { so: pkcs11js.CKU_SO, user: pkcs11js.CKU_USER, context: pkcs11js.CKU_CONTEXT_SPECIFIC } as const

function attribute(session: Buffer, object: Buffer, type: number): string | null {
  try {
    const [found] = lib.C_GetAttributeValue(session, object, [{ type }])
    return found?.value instanceof Buffer ? found.value.toString('hex') : null
  } catch {
    return null
  }
}

const calls: Calls = {
  initialize: () => {
    lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
    return null
  },
  slots: () => lib.C_GetSlotList(true).map((slot) => slot.toString('hex')),
  tokenInfo: (slot) => {
    const info = lib.C_GetTokenInfo(bytes(slot))
    return {
      label: info.label.trim(),
      model: info.model.trim(),
      serial: info.serialNumber.trim(),
      flags: info.flags,
      firmware: `${info.firmwareVersion.major}.${info.firmwareVersion.minor}`,
    }
  },
  mechanisms: (slot) => lib.C_GetMechanismList(bytes(slot)),
  open: (slot) => lib.C_OpenSession(bytes(slot), pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION).toString('hex'),
  close: (session) => {
    lib.C_CloseSession(bytes(session))
    return null
  },
  login: (session, user, pin) => {
    lib.C_Login(bytes(session), users[user], pin)
    return null
  },
  logout: (session) => {
    lib.C_Logout(bytes(session))
    return null
  },
  setPin: (session, old, next) => {
    lib.C_SetPIN(bytes(session), old, next)
    return null
  },
  objects: (session, wanted) => {
    const handle = bytes(session)
    lib.C_FindObjectsInit(handle, template(wanted))
    const found: Buffer[] = []
    try {
      for (;;) {
        const [next] = lib.C_FindObjects(handle, 1)
        if (next === undefined) break
        found.push(next)
      }
    } finally {
      lib.C_FindObjectsFinal(handle)
    }
    return found.map((object) => ({
      handle: object.toString('hex'),
      class: bytes(attribute(handle, object, pkcs11js.CKA_CLASS) ?? '00000000').readUInt32LE(0),
      id: attribute(handle, object, pkcs11js.CKA_ID) ?? '',
      label: bytes(attribute(handle, object, pkcs11js.CKA_LABEL) ?? '').toString('utf8'),
    }))
  },
  attribute: (session, object, type) => attribute(bytes(session), bytes(object), type),
  signInit: (session, key, wanted) => {
    lib.C_SignInit(bytes(session), mechanism(wanted), bytes(key))
    return null
  },
  sign: (session, data) => lib.C_Sign(bytes(session), bytes(data), Buffer.alloc(1024)).toString('hex'),
  generate: (session, type, publicTemplate, privateTemplate) => {
    const pair = lib.C_GenerateKeyPair(
      bytes(session),
      { mechanism: type },
      template(publicTemplate),
      template(privateTemplate),
    )
    return { publicKey: pair.publicKey.toString('hex'), privateKey: pair.privateKey.toString('hex') }
  },
  create: (session, attributes) => lib.C_CreateObject(bytes(session), template(attributes)).toString('hex'),
  destroy: (session, object) => {
    lib.C_DestroyObject(bytes(session), bytes(object))
    return null
  },
  waitForEvent: () => lib.C_WaitForSlotEvent(pkcs11js.CKF_DONT_BLOCK)?.toString('hex') ?? null,
}

process.on('disconnect', () => process.exit(0))
process.on('message', (message) => {
  // The test that started this process wrote it.
  process.send?.(answerOf(calls, message as Pkcs11Call))
})
