/**
 * The first member name that stands twice in one object of a valid JSON text; null: none does. `JSON.parse` keeps the last one without a
 * word, so that who reads the file from the top would see another script than the one that is carried out.
 */
export function duplicateMember(text: string): string | null {
  const open: (Set<string> | null)[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g
  let last: string | null = null
  for (const [found] of text.matchAll(token)) {
    if (found === '{') open.push(new Set())
    else if (found === '[') open.push(null)
    else if (found === '}' || found === ']') open.pop()
    else if (found === ':' && last !== null) {
      const names = open.at(-1)
      // The same name may be written in two ways: `a` and `\u0061`.
      const name: unknown = JSON.parse(last)
      if (names === null || names === undefined || typeof name !== 'string') continue
      if (names.has(name)) return name.slice(0, 60)
      names.add(name)
    }
    last = found.startsWith('"') ? found : null
  }
  return null
}
