// Runs as a process: opens a room with a key and a program that runs inside, says where, and stays until it is ended.
import { dirname } from 'node:path'
import { ReaderRoom, whyNoReader } from '../reader.ts'
import { VirtualYubiKey } from '../yubikey/virtual-yubikey.ts'

const why = whyNoReader()
if (why !== null) throw new Error(why)
const room = await ReaderRoom.open()
await room.plug(new VirtualYubiKey())
const folder = dirname(room.node)
const sleeper = room.spawn('/usr/bin/tail', ['-f', `${folder}/node`], { stdio: 'ignore' })
const told = await room.run('/usr/bin/opensc-tool', [
  '-r',
  '0',
  '-s',
  '00:a4:04:00:05:a0:00:00:03:08',
  '-s',
  '00:fd:00:00',
])
if (!told.stdout.includes('05 07 01')) throw new Error(`the key was not seen inside: ${told.stdout}${told.stderr}`)
process.on('SIGTERM', () => void room.close().then(() => process.exit(0)))
process.stdout.write(`${JSON.stringify({ folder, inside: sleeper.pid })}\n`)
