import type { SignAs } from '../../../shared/by-hand.ts'
import type { Purpose } from '../../../shared/purpose.ts'
import { documentKindOf } from '../../debian/upload-document.ts'
import { limits } from '../../debusine/limits.ts'

/** One way to sign a file that was opened by hand. */
export interface HandMode {
  /** Keys of this purpose fit, and no other. */
  readonly purpose: Purpose
  /** Usual name of what comes out, made of the input's name. Null: this file is not signed itself. */
  readonly outputName: (input: string) => string | null
  /** Octets of one file. */
  readonly maxBytes: number
  /** How many files are opened at a time. */
  readonly files: 'several' | 'one'
  /** Whether a file can be it at all, by its name; what it is, the inspector finds. */
  readonly fits: (input: string) => boolean
}

const any = () => true
/** A detached signature is made of the file in main's memory. */
const maxDetachedBytes = 256 * 1024 * 1024

/** All of them. A mode of the contract without its row does not compile, so that nothing is signed as something that nobody described. */
export const handModes: Readonly<Record<SignAs, HandMode>> = {
  // As `sbsign --detached` names it.
  'uefi-detached': {
    purpose: 'uefi',
    outputName: (input) => `${input}.sig`,
    maxBytes: limits.fileBytes,
    files: 'several',
    fits: any,
  },
  // As `gpg --clearsign` and `gpg --armor --detach-sign` name it.
  'openpgp-clear': {
    purpose: 'openpgp',
    outputName: (input) => `${input}.asc`,
    maxBytes: limits.fileBytes,
    files: 'several',
    fits: any,
  },
  'openpgp-detached': {
    purpose: 'openpgp',
    outputName: (input) => `${input}.asc`,
    maxBytes: maxDetachedBytes,
    files: 'several',
    fits: any,
  },
  // As debsign: the signed documents have the names of those that were not.
  'debian-upload': {
    purpose: 'openpgp',
    outputName: (input) => (documentKindOf(input) === null ? null : input),
    maxBytes: limits.fileBytes,
    files: 'one',
    fits: (input) => documentKindOf(input) === 'changes',
  },
  'release-clear': {
    purpose: 'openpgp-repository',
    outputName: () => 'InRelease',
    maxBytes: limits.fileBytes,
    files: 'one',
    fits: any,
  },
  'release-detached': {
    purpose: 'openpgp-repository',
    outputName: () => 'Release.gpg',
    maxBytes: limits.fileBytes,
    files: 'one',
    fits: any,
  },
}
