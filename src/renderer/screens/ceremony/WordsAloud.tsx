/** A digest for reading aloud from arm's length: a word for each byte, numbered, with its two digits below. */
export function WordsAloud({ words }: { readonly words: readonly { readonly hex: string; readonly word: string }[] }) {
  return (
    <ol className="aloud-words" aria-label="Words to read aloud">
      {words.map(({ hex, word }, index) => (
        <li key={index} className="aloud-word">
          <span className="aloud-number" aria-hidden="true">
            {index + 1}
          </span>
          <span className="aloud-text">{word}</span>
          <span className="mono aloud-hex">{hex}</span>
        </li>
      ))}
    </ol>
  )
}
