import { z } from 'zod'
import { verifierKeyText } from './audit.ts'
import { typedText } from './typed-text.ts'
import { connectorPattern } from './yubihsm-connector.ts'

/** Settings that the operator may see and change. Secrets (worker token, user token) are files, and never among them. */
export const settings = z.strictObject({
  /** How the station names itself: its FQDN at registration, the origin of its audit log. */
  stationName: typedText(200),
  operatorName: typedText(200),
  theme: z.enum(['system', 'light', 'dark']),
  server: z.strictObject({
    /** `https://HOST/api`, without the version. Null: not set yet. */
    apiUrl: z
      .url({ protocol: /^https$/ })
      .max(400)
      .refine((url) => url.isWellFormed(), 'not valid text')
      .nullable(),
    /** PEM bundle of a private CA, as text. Null: the system's. */
    caPem: z.string().max(200_000).nullable(),
    /** Scope for the user token's list of pending work. */
    scope: z.string().max(100).nullable(),
  }),
  /** Absolute paths of PKCS#11 modules to load, one process each. */
  modules: z
    .array(
      z.strictObject({
        path: z
          .string()
          .max(4096)
          .regex(/^\/[^\0]*$/),
        enabled: z.boolean(),
      }),
    )
    .max(16),
  /** Fingerprints (SHA-256 of the DER, hex) of certificates that signed objects may trust: debusine's DEBUSINE_SIGNING_TRUSTED_CERTS. */
  trustedCerts: z.array(z.string().min(1).max(200)).max(200),
  /** Absolute paths of folders that each checkpoint of the audit log is copied to: a medium, another machine's disk. */
  checkpointFolders: z
    .array(
      z
        .string()
        .max(4096)
        .regex(/^\/[^\0]*$/),
    )
    .max(10),
  /** Requests of the server for new keys (debusine's GenerateKey). */
  keyRequests: z.strictObject({
    /** False: none is asked for, and one that comes all the same can only be declined. */
    accept: z.boolean(),
    /** Whether a key may be made in software: where debusine's own worker makes it. Always a test key. */
    software: z.boolean(),
    /** On which tokens one may be made: serial numbers, or any. */
    tokens: z.union([z.literal('any'), z.array(z.string().min(1).max(32)).max(50)]),
  }),
  /** Verifier keys of witnesses whose cosignatures may be added to checkpoints. */
  witnesses: z.array(verifierKeyText).max(10),
  /** How YubiHSMs are reached. No connector: as YUBIHSM_PKCS11_CONF says, or the maker's default. */
  yubihsm: z.strictObject({
    connectors: z.array(z.string().max(300).regex(connectorPattern)).max(8),
    /** PEM bundle for connectors that speak TLS, as text. Null: the system's. */
    caPem: z.string().max(200_000).nullable(),
  }),
})
export type Settings = z.infer<typeof settings>
