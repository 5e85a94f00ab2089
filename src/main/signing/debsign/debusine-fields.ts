/** What debusine (since 0.14.8) writes into a `.changes` before it is signed; the values are absolute URLs. */
export interface DebusineFields {
  readonly user: string
  /** Null: the request is not part of a workflow. */
  readonly workflow: string | null
  readonly workRequest: string
}

/**
 * The text of a `.changes` with these fields. A field that the upload brought along is replaced where it stands or taken out, so that
 * nobody can say in another's name who asked; new ones go to the end. Every other byte stays.
 */
export function withDebusineFields(body: Uint8Array, fields: DebusineFields): Uint8Array {
  const wanted = new Map([
    ['debusine-user', `Debusine-User: ${fields.user}\n`],
    ...(fields.workflow === null ? [] : [['debusine-workflow', `Debusine-Workflow: ${fields.workflow}\n`] as const]),
    ['debusine-work-request', `Debusine-Work-Request: ${fields.workRequest}\n`],
  ])
  // Latin-1 keeps every byte apart, and field names are ASCII.
  const lines = Buffer.from(body)
    .toString('latin1')
    .split(/(?<=\n)/)
  const made: string[] = []
  let taken = false
  for (const line of lines) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (!taken) made.push(line)
      continue
    }
    const name = /^(debusine-(?:user|workflow|work-request)):/i.exec(line)?.[1]?.toLowerCase()
    taken = name !== undefined
    if (name === undefined) {
      made.push(line)
      continue
    }
    const value = wanted.get(name)
    if (value !== undefined) made.push(value)
    wanted.delete(name)
  }
  // An empty line ends the paragraph: behind it they would be another one.
  while (made.at(-1) === '\n') made.pop()
  return Buffer.from([...made, ...wanted.values()].join(''), 'latin1')
}

/** What is handed to the signature: the document and one empty line, as debsign's `signfile` does. */
export function textToSign(body: Uint8Array): Uint8Array {
  return Buffer.concat([body, Buffer.from('\n')])
}
