/** `Key 2 of 3`: how a key among several is called everywhere. */
export function keyLabel({ number, of }: { readonly number: number; readonly of: number }): string {
  return `Key ${number} of ${of}`
}

/** `Key 2`, `Keys 1, 2 and 4`. */
export function numbersOfKeys(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? 'Key' : 'Keys'} ${listed(numbers.map(String))}`
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`
}
