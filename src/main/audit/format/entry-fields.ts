import { z } from 'zod'
import { exactText } from './text.ts'

// Fields that events of several kinds have (docs/formats/audit-entry.md).

export const operator = exactText(200).min(1)
/** A word of the program: a code, a method, an algorithm. */
export const word = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/)
export const purposeText = exactText(64).min(1)
export const tokenSerial = exactText(64).min(1).nullable()
export const hexDigest = z.string().regex(/^(?:[0-9a-f]{2}){32,64}$/)
