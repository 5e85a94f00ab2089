// What every process has (browser, Node, Electron) although ECMAScript does not define it. The project of src/shared knows neither
// DOM nor Node, so that nothing else of theirs can be used there.

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
}
