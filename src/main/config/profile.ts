import { chmodSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** All places on disk of one station. Everything is below `dir`, which only its user can enter. */
export interface Profile {
  readonly dir: string
  readonly database: string
  /** 0600: the worker's token at the debusine server. */
  readonly workerToken: string
  /** 0600: a user's API token, for the list of pending work. */
  readonly userToken: string
  /** Fetched input files, under names of our own. */
  readonly spool: string
  /** 0600 each: NaCl service keys that open software keys. */
  readonly serviceKeys: string
  /** 0600: the sealed key that signs checkpoints of the log. */
  readonly logKey: string
  /** Foreign logs while they are open for review: indexes of our own, removed when they are closed. */
  readonly review: string
  /** Where "Save outputs" writes. */
  readonly exports: string
  /** Sockets and the window's throw-away browser profile. */
  readonly runtime: string
}

/** `$XDG_DATA_HOME/signing-station` unless `--profile DIR` names another. An empty variable counts as unset (XDG base directory spec). */
export function profileAt(dir: string | null, environment: Readonly<Record<string, string | undefined>>): Profile {
  const root = resolve(
    dir ?? join(environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'signing-station'),
  )
  return {
    dir: root,
    database: join(root, 'station.db'),
    workerToken: join(root, 'worker-token'),
    userToken: join(root, 'user-token'),
    spool: join(root, 'spool'),
    serviceKeys: join(root, 'service-keys'),
    logKey: join(root, 'log-key.json'),
    review: join(root, 'review'),
    exports: join(root, 'exports'),
    runtime: join(root, 'run'),
  }
}

/** Makes the folders (not the database: that is an explicit act), and takes other users' access away where it was given. */
export function prepareProfile(profile: Profile): void {
  for (const dir of [
    profile.dir,
    profile.spool,
    profile.serviceKeys,
    profile.review,
    profile.exports,
    profile.runtime,
  ]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    chmodSync(dir, 0o700)
  }
}
