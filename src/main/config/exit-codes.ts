/** How the program ends. `--help` prints them and scripts may compare them. */
export const exitCodes = {
  closed: 0,
  problems: 1,
  refused: 2,
  alreadyRunning: 3,
  noWindow: 4,
  commandFailed: 5,
  defect: 70,
} as const
