/**
 * What a hostile server can make this program hold in memory, write to disk or wait for. Honest values are far below:
 * a work request is about 2 kB, an artifact of 300 modules about 150 kB.
 */
export const limits = {
  /** Octets of a JSON answer. */
  jsonBytes: 8 * 1024 * 1024,
  /** Nesting of objects and arrays in a JSON answer. */
  jsonDepth: 64,
  /** Octets of an error answer that are read for its sentence; the rest is thrown away unread. */
  problemBytes: 64 * 1024,
  filesPerArtifact: 10_000,
  /** UTF-16 units of a path inside an artifact, and octets of one of its segments (NAME_MAX). */
  pathLength: 500,
  segmentBytes: 255,
  /** Input artifacts of one work request. */
  inputsPerRequest: 1000,
  /** Octets of one input file. A shim is about 1 MB, an initramfs in a unified kernel image about 200 MB. */
  fileBytes: 4 * 1024 * 1024 * 1024,
  /** Pages of the list of work requests, 10 entries each. */
  listPages: 30,
  connectMs: 10_000,
  idleMs: 30_000,
  /** A JSON call from start to end. */
  wholeMs: 60_000,
  /** The server hashes and stores a chunk before it answers. */
  uploadAnswerMs: 120_000,
  /** Octets a second below which a transfer is given up: a sender of one octet every 29 s is an attack. */
  slowestRate: 4 * 1024,
  /** Repetitions of a safe call after its first attempt. */
  retries: 4,
  retryAfterMs: 30_000,
} as const
