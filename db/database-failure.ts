import BetterSqlite3 from 'better-sqlite3'
import type { Failure } from '../src/shared/failure.ts'

export type DatabaseFailureCode =
  | 'database-absent' // no file: opening never creates one
  | 'database-exists' // creation never replaces one
  | 'database-foreign' // not a station's database
  | 'database-newer' // written by a later version of the program
  | 'database-older' // opened for reading only, and would have to be upgraded
  | 'database-corrupt'
  | 'database-altered' // its tables or triggers are not those that this program makes
  | 'database-locked' // another process writes
  | 'database-read-only' // this user may not write it
  | 'database-moved' // under its name lies another file than the one that is open, or none
  | 'database-unreadable' // no permission, a folder, a path that cannot be
  | 'disk-full'
  | 'disk-error'
export type DatabaseFailure = Failure<DatabaseFailureCode>

const sentences: Readonly<Record<DatabaseFailureCode, { readonly kind: Failure['kind']; readonly message: string }>> = {
  'database-absent': {
    kind: 'unavailable',
    message: 'There is no station database here. Nothing was created. Check the profile folder, or create a station.',
  },
  'database-exists': {
    kind: 'refused',
    message:
      'There is a station database here already. It was not touched. Choose another profile folder, or open this one.',
  },
  'database-foreign': {
    kind: 'invalid',
    message: 'This file is not a station database. It was not changed. Check the profile folder.',
  },
  'database-newer': {
    kind: 'refused',
    message: 'The database was written by a newer version of this program. It was not changed. Install that version.',
  },
  'database-older': {
    kind: 'refused',
    message: 'The database is of an older version and would have to be upgraded to be read. It was not changed.',
  },
  'database-corrupt': {
    kind: 'invalid',
    message: 'The database is damaged. Nothing was changed. Keep a copy of the file, then restore it from a backup.',
  },
  'database-altered': {
    kind: 'invalid',
    message:
      'The structure of the database was changed by something other than this program. It was not opened. Keep a copy, and find out who had access to the file.',
  },
  'database-locked': {
    kind: 'unavailable',
    message: 'Another program is writing to the database. Nothing was changed. Close it and try again.',
  },
  'database-read-only': {
    kind: 'unavailable',
    message:
      'The database cannot be written by this user. Nothing was changed. Check the owner and the mode of the file and its folder.',
  },
  'database-moved': {
    kind: 'invalid',
    message:
      'The file of the database was replaced, moved or removed while it was in use. Nothing of this step was kept. Close the program, keep a copy of the folder, and put the newest copy of it back.',
  },
  'database-unreadable': {
    kind: 'unavailable',
    message: 'The database cannot be opened. Nothing was changed. Check the path, its owner and its mode.',
  },
  'disk-full': {
    kind: 'unavailable',
    message: 'The disk is full. Nothing of this step was kept. Make room and try again.',
  },
  'disk-error': {
    kind: 'unavailable',
    message: 'The disk reports an error. Nothing of this step was kept. Check the disk before going on.',
  },
}

export function databaseFailure(code: DatabaseFailureCode, detail?: string): DatabaseFailure {
  return { ...sentences[code], code, ...(detail === undefined ? {} : { detail }) }
}

/** Converts an exception of SQLite or of the file system, once, at the edge. Null: not one of theirs, hence a defect. */
export function databaseFailureOf(error: unknown): DatabaseFailure | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null
  const code = error instanceof BetterSqlite3.SqliteError ? sqliteCode(error.code) : systemCode(error.code)
  return code === null ? null : databaseFailure(code, `${error.code}: ${error.message}`)
}

/** Extended result codes begin with the name of the primary one (sqlite.org/rescode.html). */
function sqliteCode(code: string): DatabaseFailureCode | null {
  if (code.startsWith('SQLITE_FULL')) return 'disk-full'
  if (code.startsWith('SQLITE_IOERR')) return 'disk-error'
  if (code === 'SQLITE_READONLY_DBMOVED') return 'database-moved'
  if (code.startsWith('SQLITE_READONLY')) return 'database-read-only'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'database-locked'
  if (code.startsWith('SQLITE_CORRUPT')) return 'database-corrupt'
  if (code.startsWith('SQLITE_NOTADB')) return 'database-foreign'
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_PERM') || code.startsWith('SQLITE_AUTH'))
    return 'database-unreadable'
  return null
}

function systemCode(code: string): DatabaseFailureCode | null {
  switch (code) {
    case 'ENOENT':
      return 'database-absent'
    case 'EEXIST':
      return 'database-exists'
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'disk-full'
    case 'EIO':
      return 'disk-error'
    case 'EROFS':
      return 'database-read-only'
    case 'EACCES':
    case 'EPERM':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return 'database-unreadable'
    default:
      return null
  }
}
