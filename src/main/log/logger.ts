/** Named events with fields, one JSON line each, to standard error. A `Secret` prints as `[secret]`. */
export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void

export function stderrLog(
  write: (line: string) => void = (line) => process.stderr.write(line),
  now: () => Date = () => new Date(),
): Log {
  return (event, fields = {}) => {
    const line = {
      at: now().toISOString(),
      event,
      ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, printable(value)])),
    }
    write(`${JSON.stringify(line)}\n`)
  }
}

export const silentLog: Log = () => {}

function printable(value: unknown): unknown {
  if (value instanceof Error) {
    return {
      name: value.name,
      message: value.message,
      stack: value.stack,
      cause: value.cause instanceof Error ? value.cause.message : undefined,
    }
  }
  return value instanceof Uint8Array ? `${value.length} bytes` : value
}
