import { parseArgs } from 'node:util'
import { noteKeyType, parseVerifierKey, type VerifierKey } from '../audit/format/signed-note.ts'

export interface Wanted {
  /** An export, a database or a proof: told apart by how it begins. */
  readonly target: string
  readonly key: VerifierKey | null
  readonly checkpoints: readonly string[]
  readonly consistency: readonly string[]
  readonly witnesses: readonly VerifierKey[]
  /** A signed file, or a detached signature. */
  readonly file: string | null
  /** The transcript of a ceremony. */
  readonly transcript?: string | undefined
  readonly readEntries: boolean
  readonly json: boolean
}

export type CommandLine =
  | { readonly kind: 'wanted'; readonly wanted: Wanted }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly sentence: string }

export const usage = `signing-station-verify [options] TARGET

Verifies the audit log of a signing station. TARGET is an export, a station's database, or a proof (.tlog-proof).

  --vkey KEY           the log's verifier key, as the station showed it (name+hash+key)
  --checkpoint FILE    a checkpoint that was kept elsewhere; may be given several times
  --consistency FILE   a proof that leads from that checkpoint to a later one; may be given several times
  --witness KEY        verifier key of a witness whose cosignature must be there; may be given several times
  --file FILE          a signed EFI file or a detached signature: is its signature in the log, or is this its proof?
  --transcript FILE    the transcript of a key ceremony: is it sealed in the log, and has it all that the log has of it?
  --read-entries       reads every entry member by member too, and lists intents without an outcome
  --json               one JSON object on standard output
  --help

Exit code: 0 verified; 1 tampered with (the first bad place is named); 2 cannot tell; 3 wrong usage or unreadable file.
`

export function parseCommandLine(args: readonly string[]): CommandLine {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    // parseArgs throws for what it does not know, with a sentence for people.
    return { kind: 'wrong', sentence: error instanceof Error ? error.message : String(error) }
  }
  const { values, positionals, tokens } = parsed
  if (values.help === true) return { kind: 'help' }
  // The last one would win, and nobody be told that the others were not looked at.
  const once = (['vkey', 'file', 'transcript'] as const).find(
    (name) => tokens.filter((token) => token.kind === 'option' && token.name === name).length > 1,
  )
  if (once !== undefined) return { kind: 'wrong', sentence: `--${once} can be given once only.` }
  const [target, ...more] = positionals
  if (target === undefined || more.length > 0) return { kind: 'wrong', sentence: 'Give one file to verify.' }
  const key = values.vkey === undefined ? null : parseVerifierKey(values.vkey.trim())
  if (key?.ok === false) return { kind: 'wrong', sentence: `--vkey: ${key.error}.` }
  if (key !== null && key.value.type !== noteKeyType.ed25519)
    return { kind: 'wrong', sentence: '--vkey: this is the key of a witness, not of a log.' }
  const witnesses: VerifierKey[] = []
  for (const vkey of values.witness ?? []) {
    const witness = parseVerifierKey(vkey.trim())
    if (!witness.ok) return { kind: 'wrong', sentence: `--witness: ${witness.error}.` }
    if (witness.value.type !== noteKeyType.cosignature)
      return { kind: 'wrong', sentence: '--witness: this is not the key of a witness.' }
    witnesses.push(witness.value)
  }
  return {
    kind: 'wanted',
    wanted: {
      target,
      key: key?.value ?? null,
      checkpoints: values.checkpoint ?? [],
      consistency: values.consistency ?? [],
      witnesses,
      file: values.file ?? null,
      transcript: values.transcript,
      readEntries: values['read-entries'] === true,
      json: values.json === true,
    },
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    tokens: true,
    options: {
      vkey: { type: 'string' },
      checkpoint: { type: 'string', multiple: true },
      consistency: { type: 'string', multiple: true },
      witness: { type: 'string', multiple: true },
      file: { type: 'string' },
      transcript: { type: 'string' },
      'read-entries': { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
}
