/** xorshift32: the same mutations on every machine and in every run. */
export function generator(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Offsets of the fields that decide about a layout, relative to the optional header of a PE32+ image. */
const fields = [-20, -18, -16, -12, -8, -4, 0, 4, 32, 36, 56, 60, 64, 68, 108, 144, 148]

/**
 * One to four changes to an image, most of them to fields that decide about its layout: interesting numbers, small differences, bytes, and cuts
 * or additions at its end.
 */
export function mutate(image: Uint8Array, random: (below: number) => number): Uint8Array {
  let changed: Uint8Array = image.slice()
  for (let count = 1 + random(4); count > 0; count--) changed = mutateOnce(changed, random)
  return changed
}

function mutateOnce(image: Uint8Array, random: (below: number) => number): Uint8Array {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
  const optional = image.length >= 0x40 ? view.getUint32(0x3c, true) + 24 : 0
  const kind = random(16)
  if (kind === 0) return image.slice(0, random(image.length + 1))
  if (kind === 1) return Uint8Array.from([...image, ...new Uint8Array(random(20))])
  if (kind === 2 && image.length >= 0x40)
    view.setUint32(0x3c, random(2) === 0 ? interesting(random, image.length) : random(256) * 2, true)
  else if (kind < 7) write(view, optional + (fields[random(fields.length)] ?? 0), random, image.length)
  else if (kind < 13) {
    const table =
      optional +
      (optional >= 0 && optional <= image.length - 20 ? view.getUint16(Math.max(0, optional - 4), true) : 240)
    write(view, table + random(4) * 40 + ([8, 16, 20][random(3)] ?? 8), random, image.length)
  } else if (image.length > 0) image[random(image.length)] = random(256)
  return image
}

function write(view: DataView, at: number, random: (below: number) => number, size: number): void {
  if (at < 0 || at + 4 > view.byteLength) return
  const old = view.getUint32(at, true)
  const value =
    random(3) === 0
      ? old + (random(3) - 1) * (1 << random(12))
      : random(2) === 0
        ? interesting(random, size)
        : random(8) * 512
  if (random(3) === 0) view.setUint16(at, value, true)
  else view.setUint32(at, value, true)
}

function interesting(random: (below: number) => number, size: number): number {
  const values = [
    0,
    1,
    4,
    5,
    7,
    8,
    0x3c,
    0x40,
    0x7f,
    0x80,
    0xff,
    0x200,
    0x400,
    0x600,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0xfffffff8,
    size,
    size - 1,
    size - 8,
    size - 512,
    size + 1,
  ]
  return values[random(values.length)] ?? 0
}
