import type { FurtherKey, SheetFile } from '../../../shared/review-sheet.ts'
import { utc } from '../../parts/format.ts'

type Before = SheetFile['signedBefore'][number]

export type SignedBeforeView = { readonly title: string; readonly lines: readonly string[] }

export function beforeWords({ at, workRequest }: Before): string {
  return `${utc(at)}${workRequest === null ? '' : `, work request ${workRequest}`}`
}

/** Earlier signatures of a file's bytes, by each of the keys that would sign it now. Null: there is none. */
export function signedBeforeView(
  { signedBefore }: Pick<SheetFile, 'signedBefore'>,
  furtherKeys: readonly FurtherKey[],
): SignedBeforeView | null {
  if (furtherKeys.length === 0) {
    return signedBefore.length === 0
      ? null
      : { title: 'Signed before by this key, at this station', lines: signedBefore.map(beforeWords) }
  }
  const lines = [signedBefore, ...furtherKeys.map((further) => further.signedBefore)].flatMap((each, index) =>
    each.map((before) => `By key ${index + 1}: ${beforeWords(before)}`),
  )
  return lines.length === 0 ? null : { title: 'Signed before by these keys, at this station', lines }
}
