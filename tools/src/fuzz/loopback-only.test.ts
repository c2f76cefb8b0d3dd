import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { openEcho } from '../subject/echo.ts'

const SCRIPT = `
  import { lookup } from 'node:dns'
  import { createConnection } from 'node:net'
  const port = Number(process.env.FUZZ_ORIGIN_PORT)
  const other = Number(process.env.OTHER_PORT)
  const outcome = (emitter) => new Promise((resolve) => emitter(resolve))
  const dial = (options) => outcome((done) => {
    const socket = createConnection(options)
    socket.on('error', (error) => done(error.code)).on('connect', () => done('open') ?? socket.destroy())
  })
  const look = (name) => outcome((done) =>
    lookup(name, { all: true }, (error, found) => done(error?.code ?? found[0].address)))
  console.log(JSON.stringify([
    await dial({ host: '127.0.0.1', port }), await dial({ host: '127.0.0.1', port: other }),
    await dial({ host: '192.0.2.1', port }), await dial({ port }),
    await look('localhost'), await look('2130706433'), await look('example.com'),
  ]))`

it('lets a program reach its origin and nothing else', async () => {
  const [echo, other] = [await openEcho(), await openEcho()]
  const guard = ['--import', new URL('loopback-only.ts', import.meta.url).href]
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', ...guard]
  const env = {
    PATH: process.env['PATH'],
    FUZZ_ORIGIN_PORT: String(echo.port),
    OTHER_PORT: String(other.port),
  }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, '--input-type=module', '--eval', SCRIPT],
    { env },
  )
  echo.close()
  other.close()
  const refused = 'ECONNREFUSED'
  expect(JSON.parse(stdout)).toEqual([
    'open',
    refused,
    refused,
    refused,
    '127.0.0.1',
    '127.0.0.1',
    'ENOTFOUND',
  ])
})
