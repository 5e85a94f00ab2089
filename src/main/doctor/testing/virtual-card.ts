import { connect } from 'node:net'

// A card that does nothing but be there, in vsmartcard's virtual reader: messages are a length (16 bits, big-endian) and bytes; one
// byte from the driver is an order, 4 asks for the answer to reset.
const answerToReset = Buffer.from('3bfd1300008131fe158073c021c057597562694b657940', 'hex')
const socket = connect(0x8c7b, '127.0.0.1')
socket.on('error', () => process.exit(1))
let rest = Buffer.alloc(0)
socket.on('data', (chunk: Buffer) => {
  rest = Buffer.concat([rest, chunk])
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const message = rest.subarray(2, 2 + rest.readUInt16BE(0))
    rest = rest.subarray(2 + message.length)
    const answer = message.length > 1 ? Buffer.from('6d00', 'hex') : message[0] === 4 ? answerToReset : null
    if (answer !== null) socket.write(Buffer.concat([Buffer.from([0, answer.length]), answer]))
  }
})
