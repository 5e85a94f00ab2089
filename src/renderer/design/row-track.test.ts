import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  landed,
  moved,
  type Place,
  pixelAt,
  settled,
  showing,
  spanAt,
  type Track,
  tallest,
  topAt,
  trackHeight,
} from './row-track.ts'

/** An audit log after years: 36,000,000 px of rows. */
const long: Track = { rows: 1_000_000, rowHeight: 36, view: 700 }
const pixels = (track: Track) => track.rows * track.rowHeight
const start: Place = { top: 0, shift: 0 }

const anyTrack = fc.record({
  rows: fc.integer({ min: 0, max: 20_000_000 }),
  rowHeight: fc.integer({ min: 24, max: 80 }),
  view: fc.integer({ min: 50, max: 4000 }),
})
const furthestTop = (track: Track) => Math.max(0, trackHeight(track) - track.view)
const furthestPixel = (track: Track) => Math.max(0, pixels(track) - track.view)

describe('a list that Chromium can hold', () => {
  const short: Track = { rows: 10_000, rowHeight: 56, view: 700 }

  test('is as tall as its rows, and its scroll bar stands where they are', () => {
    expect(trackHeight(short)).toBe(560_000)
    let place = start
    for (const top of [40, 1200, 300_000, 559_300, 0.5]) {
      place = moved(short, place, top)
      expect(place).toEqual({ top, shift: 0 })
    }
  })

  test('has the rows in sight, some more on both sides, and none that there is not', () => {
    expect(spanAt(short, { top: 5600, shift: 0 }, 0)).toEqual({ first: 100, end: 113 })
    expect(spanAt(short, { top: 5601, shift: 0 }, 3)).toEqual({ first: 97, end: 116 })
    expect(spanAt(short, start, 3)).toEqual({ first: 0, end: 16 })
    expect(spanAt(short, { top: 559_300, shift: 0 }, 3)).toEqual({ first: 9984, end: 10_000 })
    expect(spanAt({ ...short, rows: 0 }, start, 3)).toEqual({ first: 0, end: 0 })
  })

  test('shows its last rows when it became shorter than where its scroll bar still stands', () => {
    expect(spanAt({ ...short, rows: 20 }, { top: 300_000, shift: 0 }, 0)).toEqual({ first: 7, end: 20 })
  })
})

test('a list of a million rows is less tall than Chromium lets an element be', () => {
  expect(pixels(long)).toBeGreaterThan(33_554_428)
  expect(trackHeight(long)).toBe(tallest)
  expect(tallest).toBeLessThan(33_554_428)
})

test('the scroll bar reaches both ends of any list, further down is never further up, and it finds back', () => {
  fc.assert(
    fc.property(
      anyTrack,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (track, one, other) => {
        expect(pixelAt(track, 0)).toBe(0)
        expect(pixelAt(track, furthestTop(track))).toBeCloseTo(furthestPixel(track), 3)
        const [upper, lower] = [Math.min(one, other), Math.max(one, other)].map(
          (part) => part * furthestTop(track),
        ) as [number, number]
        expect(pixelAt(track, upper)).toBeLessThanOrEqual(pixelAt(track, lower))
        expect(topAt(track, pixelAt(track, lower))).toBeCloseTo(lower, 3)
      },
    ),
  )
})

test('a step moves the rows by its own pixels wherever the scroll bar stands', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: tallest - 1700 }), fc.integer({ min: -700, max: 700 }), (top, step) => {
      const before = landed(long, pixelAt(long, top), top)
      const after = moved(long, before, top + step)
      expect(after.top + after.shift - before.top - before.shift).toBe(step)
    }),
  )
})

test('who pulls the scroll bar to a part of its way sees that part of the list', () => {
  const half = moved(long, start, furthestTop(long) / 2)
  expect(spanAt(long, half, 0).first).toBeCloseTo(500_000, -2)
  expect(spanAt(long, moved(long, half, furthestTop(long)), 0).end).toBe(1_000_000)
})

test('no row is passed over by a wheel on its way to either end', () => {
  for (const [from, step, last] of [
    [furthestTop(long) - 900_000, 120, (place: Place) => spanAt(long, place, 0).end === long.rows],
    [900_000, -120, (place: Place) => spanAt(long, place, 0).first === 0],
  ] as const) {
    let place = moved(long, start, from)
    for (let steps = 0; !last(place); steps += 1) {
      expect(steps).toBeLessThan(10_000)
      const before = spanAt(long, place, 0)
      place = moved(long, place, Math.min(Math.max(place.top + step, 0), furthestTop(long)))
      // As after each notch of a wheel.
      place = settled(long, place)
      const after = spanAt(long, place, 0)
      expect(after.first).toBeLessThanOrEqual(before.end)
      expect(after.end).toBeGreaterThanOrEqual(before.first)
    }
  }
})

test('a scroll bar that settles moves no row', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: furthestTop(long) }), fc.integer({ min: 0, max: 2000 }), (from, steps) => {
      let place = moved(long, start, from)
      for (let step = 0; step < steps && place.top < furthestTop(long) - 100; step += 1) {
        place = moved(long, place, place.top + 100)
      }
      const after = settled(long, place)
      expect(after.top + after.shift).toBe(place.top + place.shift)
      expect(Math.abs(pixelAt(long, after.top) - after.top - after.shift)).toBeLessThan(10)
    }),
  )
})

test('any row of any list can be brought into full sight, and stays there', () => {
  fc.assert(
    fc.property(
      anyTrack.filter((track) => track.rows > 0 && track.view >= track.rowHeight),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (track, part, from) => {
        const row = Math.min(track.rows - 1, Math.floor(part * track.rows))
        const before = moved(track, start, Math.round(from * furthestTop(track)))
        const place = showing(track, before, row)
        const above = row * track.rowHeight - place.top - place.shift
        expect(above).toBeGreaterThanOrEqual(-1)
        expect(above + track.rowHeight).toBeLessThanOrEqual(track.view + 1)
        expect(place.top).toBeGreaterThanOrEqual(0)
        expect(place.top).toBeLessThanOrEqual(furthestTop(track) + 1)
        expect(showing(track, place, row).top).toBeCloseTo(place.top, -1)
      },
    ),
  )
})
