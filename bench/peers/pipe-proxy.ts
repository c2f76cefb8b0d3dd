// The plain Node proxy that ours is measured against: SOCKS5 with any user and password, CONNECT to an IPv4 address,
// then `pipe` both ways. It trusts its client to send each message whole and takes no care of anything else.
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'

const PASSWORD_METHOD = Buffer.from([5, 2])
const ACCEPTED = Buffer.from([1, 0])
const SUCCEEDED = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])

createServer({ noDelay: true }, (client) => {
  client.on('error', () => client.destroy())
  client.once('data', () => {
    client.write(PASSWORD_METHOD)
    client.once('data', () => {
      client.write(ACCEPTED)
      client.once('data', (request) => relay(client, request))
    })
  })
}).listen(Number(process.argv[2]), '127.0.0.1', 4096)

function relay(client: Socket, request: Buffer): void {
  const host = request.subarray(4, 8).join('.')
  const target = connect({ host, port: request.readUInt16BE(8), noDelay: true })
  client.pause()
  target.on('error', () => client.destroy())
  client.on('close', () => target.destroy())
  target.once('connect', () => {
    client.write(SUCCEEDED)
    client.pipe(target)
    target.pipe(client)
  })
}
