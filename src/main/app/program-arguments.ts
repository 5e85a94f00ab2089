interface ProcessLike {
  readonly argv: readonly string[]
  readonly versions: object
  /** Electron: true when it was started with a script or folder as its argument (`electron .`). */
  readonly defaultApp?: boolean
}

/** What the operator wrote after the program's name, whichever runtime started it: `node main.js …`, `electron . …`, or the packaged program. */
export function programArguments(process: ProcessLike): readonly string[] {
  const packaged = 'electron' in process.versions && process.defaultApp !== true
  return process.argv.slice(packaged ? 1 : 2)
}
