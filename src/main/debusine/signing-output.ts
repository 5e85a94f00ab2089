import { quoted } from './wire.ts'

export const signingOutputCategory = 'debusine:signing-output'

/** What became of one input file. */
export type SignedOrNot =
  | { readonly file: string; readonly outputFile: string }
  | { readonly file: string; readonly errorMessage: string }

/** Path of a signature beside its input, as the server's own worker names it for every purpose. */
export function outputPath(file: string): string {
  return `${file}.sig`
}

/** Data of a `debusine:signing-output` artifact: one result for each input file, in the input's order. */
export function signingOutputData(output: {
  readonly purpose: string
  readonly fingerprint: string
  readonly binaryPackageName: string | null
  readonly results: readonly SignedOrNot[]
}): Readonly<Record<string, unknown>> {
  return {
    purpose: output.purpose,
    fingerprint: output.fingerprint,
    results: output.results.map((result) =>
      'outputFile' in result
        ? { file: result.file, output_file: result.outputFile, error_message: null }
        : { file: result.file, output_file: null, error_message: quoted(result.errorMessage, 1000) },
    ),
    binary_package_name: output.binaryPackageName,
  }
}
