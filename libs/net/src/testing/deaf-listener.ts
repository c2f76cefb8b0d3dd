import { readSync } from 'node:fs'
import { createServer } from 'node:net'

// A program whose listener accepts nothing, so that connects wait for an answer once its queue is full. It says when
// it is there, and ends with its standard input.
const server = createServer()
server.listen({ host: process.argv[2]!, port: Number(process.argv[3]), backlog: 1 }, () => {
  process.stdout.write(`${JSON.stringify(server.address())}\n`, () => {
    readSync(0, Buffer.alloc(1))
    process.exit()
  })
})
