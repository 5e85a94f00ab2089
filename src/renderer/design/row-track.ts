/** Rows of one height below each other, in pixels, and the height of the window through which they are seen. */
export type Track = { readonly rows: number; readonly rowHeight: number; readonly view: number }

/** `top` is where the scroll bar stands, `shift` what has to be added to it to have the pixel of the rows that is seen there. */
export type Place = { readonly top: number; readonly shift: number }

/** The rows that exist in the document, the last one not included. */
export type Span = { readonly first: number; readonly end: number }

/**
 * No element gets taller than this. Chromium ends at 33,554,428 px (LayoutUnit: 32 bits, 6 of them behind the point), and rows below
 * that are out of reach without a word; up to 2^23 px a 32-bit float, of which scroll offsets are made, still knows half a pixel.
 */
export const tallest = 8_000_000

/** At both ends of a list that is taller than that, a pixel of the scroll bar is a pixel of the rows: no row there is passed over. */
const exact = 1_000_000

export function trackHeight({ rows, rowHeight }: Pick<Track, 'rows' | 'rowHeight'>): number {
  return Math.min(rows * rowHeight, tallest)
}

const furthestTop = (track: Track) => Math.max(0, trackHeight(track) - track.view)
const furthestPixel = (track: Track) => Math.max(0, track.rows * track.rowHeight - track.view)

/** How many pixels of rows a pixel of the scroll bar is worth between the exact ends. */
function slope(track: Track): number {
  return (furthestPixel(track) - 2 * exact) / (furthestTop(track) - 2 * exact)
}

const isScaled = (track: Track) => track.rows * track.rowHeight > tallest

/** The pixel of the rows that a scroll bar at `top` stands for. */
export function pixelAt(track: Track, top: number): number {
  if (!isScaled(track) || top <= exact) return top
  const left = furthestTop(track) - top
  return left <= exact ? furthestPixel(track) - left : exact + (top - exact) * slope(track)
}

/** Where the scroll bar stands when the rows are seen from that pixel on: the reverse of `pixelAt`. */
export function topAt(track: Track, pixel: number): number {
  if (!isScaled(track) || pixel <= exact) return pixel
  const left = furthestPixel(track) - pixel
  return left <= exact ? furthestTop(track) - left : exact + (pixel - exact) / slope(track)
}

/**
 * The place after the scroll bar was moved to `top`. A step of a wheel moves the rows by as many pixels; who pulls the bar over more
 * than what is in sight means the place in the list that it then points to.
 */
export function moved(track: Track, before: Place, top: number): Place {
  const jumped = Math.abs(top - before.top) > track.view
  return landed(track, jumped ? pixelAt(track, top) : top + before.shift, top)
}

/** That pixel of the rows, or the nearest that there is, with the scroll bar at `top`. */
export function landed(track: Track, pixel: number, top: number): Place {
  if (!isScaled(track)) return { top, shift: 0 }
  return { top, shift: Math.round(Math.min(Math.max(pixel, 0), furthestPixel(track)) - top) }
}

/** The same rows in sight, with the scroll bar where it belongs: steps leave it a little off. */
export function settled(track: Track, place: Place): Place {
  const pixel = place.top + place.shift
  return landed(track, pixel, Math.round(topAt(track, pixel)))
}

/** The place from which a row is in full sight, with as little movement as that takes. */
export function showing(track: Track, before: Place, row: number): Place {
  const pixel = before.top + before.shift
  const above = row * track.rowHeight
  const wanted = Math.min(Math.max(pixel, above + track.rowHeight - track.view), above)
  return wanted === pixel ? before : landed(track, wanted, Math.round(topAt(track, wanted)))
}

/** The rows in sight, and `more` above and below them. */
export function spanAt(track: Track, { top, shift }: Place, more: number): Span {
  // A list that became shorter has not moved yet.
  const pixel = Math.min(top + shift, furthestPixel(track))
  const clamp = (row: number) => Math.min(Math.max(row, 0), track.rows)
  return {
    first: clamp(Math.floor(pixel / track.rowHeight) - more),
    end: clamp(Math.ceil((pixel + track.view) / track.rowHeight) + more),
  }
}
