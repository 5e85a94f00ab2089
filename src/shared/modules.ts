import { z } from 'zod'

/** Why a file can, or cannot, be loaded as a module by this program. Found out by reading it, never by loading it. */
export const moduleFileState = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fits') }),
  z.strictObject({ kind: z.literal('missing') }),
  z.strictObject({ kind: z.literal('unreadable') }),
  z.strictObject({ kind: z.literal('not-a-library') }),
  /** Words such as `32-bit ARM`: what the file is made for, and what this program runs on. */
  z.strictObject({ kind: z.literal('wrong-architecture'), library: z.string(), machine: z.string() }),
])
export type ModuleFileState = z.infer<typeof moduleFileState>

export const moduleKind = z.enum(['ykcs11', 'opensc', 'softhsm', 'yubihsm', 'other'])
export type ModuleKind = z.infer<typeof moduleKind>

/** A PKCS#11 module that was found on this machine. It is a proposal: nothing loads it before the operator chooses it. */
export const foundModule = z.strictObject({
  path: z.string().max(4096),
  /** The file behind all symbolic links; the same as `path` where there is none to follow. Two paths with one file are one module. */
  file: z.string().max(4096),
  kind: moduleKind,
  /** `YubiKey (ykcs11)`, or what p11-kit calls it. */
  name: z.string().max(200),
  foundIn: z.enum(['p11-kit', 'known-place', 'settings']),
  /** p11-kit's enable-in and disable-in leave this program out: the administrator wanted another program to have it. */
  disabledHere: z.boolean(),
  state: moduleFileState,
  /** Chosen in the settings and in use, under this or another path of the same file. */
  chosen: z.boolean(),
})
export type FoundModule = z.infer<typeof foundModule>

/** `ignored`: files of p11-kit that were not believed, with the reason. */
export const moduleDiscovery = z.strictObject({
  modules: z.array(foundModule).max(200),
  ignored: z.array(z.strictObject({ file: z.string().max(4096), why: z.string().max(300) })).max(200),
})
export type ModuleDiscovery = z.infer<typeof moduleDiscovery>
