import fc from 'fast-check'
import { expect, it } from 'vitest'
import { concatBytes, framedPackets, mpi, packet } from './packet.ts'

it('frames what it wrote, at every length', () => {
  for (const length of [0, 1, 191, 192, 8383, 8384, 70_000]) {
    const body = new Uint8Array(length).fill(7)
    const framed = framedPackets(concatBytes(packet(2, body), packet(13, body)))
    expect(framed?.map(({ tag, body: read }) => [tag, read.length])).toEqual([
      [2, length],
      [13, length],
    ])
  }
})

it('frames the old format', () => {
  const framed = framedPackets(Uint8Array.of(0x99, 0, 2, 1, 2, 0x88, 1, 3, 0x9a, 0, 0, 0, 0))
  expect(framed?.map(({ tag, body }) => [tag, ...body])).toEqual([[6, 1, 2], [2, 3], [6]])
})

it('takes nothing whose lengths lead out of it or are not said', () => {
  for (const bytes of [[0x99], [0x99, 0, 9, 1], [0x9b, 1], [0xc2, 224, 1], [0xc2, 255, 255, 255, 255, 255], [0x42, 0]])
    expect([bytes, framedPackets(Uint8Array.from(bytes))]).toEqual([bytes, null])
})

it('gives back what it took, byte for byte, of any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const framed = framedPackets(bytes)
      if (framed !== null) expect(concatBytes(...framed.map(({ whole }) => whole))).toEqual(bytes)
    }),
  )
})

it('counts the bits of a number without its leading zeros', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 600n }), fc.nat(3), (number, zeros) => {
      const hex = number.toString(16)
      const bytes = Buffer.from('00'.repeat(zeros) + (hex.length % 2 === 0 ? hex : `0${hex}`), 'hex')
      const written = Buffer.from(mpi(bytes))
      expect(written.readUInt16BE(0)).toBe(number === 0n ? 0 : number.toString(2).length)
      expect(BigInt(`0x${written.subarray(2).toString('hex') || '0'}`)).toBe(number)
    }),
  )
})
