/** Limits for one answer of a token process, in milliseconds. Over it the process is killed. */
export type Deadlines = {
  /** Loading and `C_Initialize`. */
  readonly start: number
  /** Opening a session on a YubiKey reads about 80 objects; over a slow reader that took 4.5 s. */
  readonly list: number
  readonly open: number
  /** One signature, a touch (15 s on a YubiKey) included. */
  readonly sign: number
  readonly close: number
  /** RSA-4096 on a slow machine. */
  readonly generate: number
  /** One signature of the log's key, in a process that is there. */
  readonly checkpoint: number
}

export const defaultDeadlines: Deadlines = {
  start: 15_000,
  list: 20_000,
  open: 30_000,
  sign: 45_000,
  close: 3_000,
  generate: 60_000,
  checkpoint: 10_000,
}
