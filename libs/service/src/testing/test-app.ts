import { refuse } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { z } from 'zod'
import { accessSchema } from '../access/access-config.ts'
import { baseSchema } from '../config.ts'
import type { ConfigSchema } from '../config-options.ts'
import { address, text } from '../config-types.ts'
import { dnsSchema } from '../dns-config.ts'
import { ServiceError } from '../errors.ts'
import { Program } from '../program.ts'
import type { ProgramConfig } from '../program-options.ts'
import type { App } from '../app.ts'
import { runApp } from '../run-app.ts'
import type { Handshake } from '../request.ts'
import { sessionSchema } from '../session-config.ts'
import { upstreamSchema } from '../upstream-config.ts'
import { runTop, TOP_ABOUT } from '../top.ts'
import { TestRequest } from './lab.ts'

export interface TestConfig extends ProgramConfig {
  door: Address
  second: Address | undefined
  token: string | undefined
}

export const testSchema: ConfigSchema<TestConfig> = baseSchema({ ops: '127.0.0.1:0' })
  .extend(sessionSchema.shape)
  .extend(accessSchema.shape)
  .extend(dnsSchema.shape)
  .extend(upstreamSchema.shape)
  .extend({
    door: address.prefault('127.0.0.1:0'),
    second: address.optional(),
    token: text.optional().meta({ secret: true }),
  })

const line = (bytes: Uint8Array): { value: string; size: number } | undefined => {
  const end = bytes.indexOf(10)
  return end < 0 ? undefined : { value: Buffer.from(bytes.subarray(0, end)).toString(), size: end + 1 }
}

/**
 * `USER HOST PORT` and a line break, and the request stands; whoever asks for `BUG` finds one that nobody catches. Says
 * `yes` or `no CODE`.
 */
export const testHandshake: Handshake = async (reader, directory) => {
  const [name = '', host = '', port = ''] = (await reader.read(line)).split(' ')
  if (name === 'BUG') setImmediate(throwBug)
  const account = [...directory.accounts()].find(({ user }) => user.name === name)
  const target = { host, port: Number(port) }
  if (account !== undefined) return Object.assign(new TestRequest(reader.conn, account), { target })
  await refuse(reader.conn, Buffer.from('no AUTH_FAILED\n'))
  throw new ServiceError('AUTH_FAILED')
}

const throwBug = (): never => {
  throw new TypeError('a bug in the door')
}

const serve = async (config: TestConfig): Promise<Program> => {
  const program = await Program.start({
    app: 'test-app',
    version: '1.2.3',
    config,
    doors: ['door', 'second'],
  })
  try {
    await program.listen('door', config.door, testHandshake)
    if (config.second !== undefined) await program.listen('second', config.second, testHandshake)
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}

const { env, stdin, stdout, stderr } = process

export const testApp: App<TestConfig> = {
  name: 'test-app',
  version: '1.2.3',
  intro: 'one door, one line',
  schema: testSchema,
  serve,
  commands: {
    top: {
      about: TOP_ABOUT,
      usage: '[flags]',
      run: (argv) => runTop(argv, { app: 'test-app', schema: testSchema, env, stdin, stdout, stderr }),
    },
    echo: {
      about: 'Says it again.',
      usage: '[WORD …]',
      run: async (argv) => (process.stdout.write(`${argv.join(' ')}\n`) ? 0 : 1),
    },
  },
}

/** Settings as they would be written; the rest by default. */
export const configOf = (settings: Readonly<Record<string, unknown>>): TestConfig =>
  z.parse(testSchema, settings)

if (import.meta.main) process.exitCode = await runApp(testApp, process.argv.slice(2))
