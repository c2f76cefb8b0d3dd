import * as fc from 'fast-check'
import { z } from 'zod'
import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import type { ConfigSchema } from './config-options.ts'
import { configDrift, configTable, printConfig } from './config-text.ts'
import { address, rate, text, wholeNumber } from './config-types.ts'
import { baseSchema, loadConfig } from './config.ts'
import type { BaseConfig, ConfigInput, Loaded } from './config.ts'
import { Journal } from './testing/journal.ts'

interface Config extends BaseConfig {
  http: { host: string; port: number }
  limit: number | undefined
  slots: number
  door: 'socks' | 'http'
  token: string | undefined
}
const schema: ConfigSchema<Config> = baseSchema({ ops: '127.0.0.1:9102' }).extend({
  http: address.prefault('127.0.0.1:8889').meta({ description: 'where HTTP clients connect' }),
  limit: rate.optional().meta({ description: 'limit of everything together' }),
  slots: wholeNumber(1, 100).prefault(8).meta({ description: 'how many at once', env: 'OLD_SLOTS' }),
  door: z.enum(['socks', 'http']).default('socks').meta({ description: 'socks | http' }),
  token: text.optional().meta({ description: 'what peers show', secret: true }),
})

const load = (argv: string[] = [], input: Partial<ConfigInput> = {}): Loaded<Config> =>
  loadConfig(schema, { argv, env: {}, ...input })

const withFile = (contents: string, argv: string[] = [], env = {}): Loaded<Config> =>
  load(['--config', 'sluice.yaml', ...argv], { env, readFile: () => contents })

function problem(action: () => unknown): { code: string; message: string } {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('no error')
}

describe('loadConfig', () => {
  it('gives the defaults, parsed', () => {
    expect(load().config).toEqual({
      config: undefined,
      data: './data',
      store: undefined,
      ops: { host: '127.0.0.1', port: 9102 },
      logLevel: 'info',
      graceMs: 30_000,
      allow: [],
      open: false,
      watch: true,
      printConfig: false,
      help: false,
      version: false,
      http: { host: '127.0.0.1', port: 8889 },
      limit: undefined,
      slots: 8,
      door: 'socks',
      token: undefined,
    })
  })

  it('takes flags before the environment before the file before the default, and tells which', () => {
    const file = 'data: /file\nlimit: 1MB/s\nslots: 3\n'
    const { config, given } = withFile(file, ['--data', '/flag'], {
      SLUICE_DATA: '/env',
      SLUICE_LIMIT: '2MB/s',
    })
    expect([config.data, config.limit, config.slots, config.logLevel]).toEqual(['/flag', 2e6, 3, 'info'])
    expect(given.get('data')?.where).toBe('--data')
    expect(given.get('limit')?.where).toBe('SLUICE_LIMIT')
    expect(given.get('slots')?.where).toBe('sluice.yaml: slots')
    expect(given.has('logLevel')).toBe(false)
  })

  it.each([
    [['--data', '/a'], '/a'],
    [['--data=/a'], '/a'],
    [['--data', '/a', '--data', '/b'], '/b'],
    [['--data=--odd'], '--odd'],
    [['--data', '-'], '-'],
    [['--data='], undefined],
  ])('reads %j', (argv, data) => {
    if (data === undefined) expect(problem(() => load(argv)).message).toBe('--data: "" is not a text')
    else expect(load(argv).config.data).toBe(data)
  })

  it.each([
    [['--open'], true],
    [['--no-open'], false],
    [['--open', '--no-open'], false],
    [['--open=true'], true],
    [['--open=0'], false],
  ])('reads %j as a boolean', (argv, open) => {
    expect(load(argv).config.open).toBe(open)
  })

  it('leaves the word after a boolean flag, and everything after --, to the caller', () => {
    const { config, positionals } = load(['serve', '--open', '8888', '--', '--data', '-h'])
    expect(positionals).toEqual(['serve', '8888', '--data', '-h'])
    expect(config).toMatchObject({ open: true, data: './data' })
  })

  it('knows -h', () => {
    expect(load(['-h']).config.help).toBe(true)
  })

  it('adds up a list that is given twice, and takes one from a file', () => {
    expect(load(['--allow', '127.0.0.0/8', '--allow', '::1, 10.1.2.3/32']).config.allow).toEqual([
      '127.0.0.0/8',
      '::1/128',
      '10.1.2.3/32',
    ])
    expect(withFile('allow: [10.0.0.0/8, "fd00::/8"]').config.allow).toEqual(['10.0.0.0/8', 'fd00::/8'])
    expect(withFile('allow: 10.0.0.0/8').config.allow).toEqual(['10.0.0.0/8'])
  })

  it('reads booleans of the environment, and takes an empty variable for none', () => {
    const env = { SLUICE_OPEN: 'yes', SLUICE_DATA: '' }
    expect(load([], { env }).config).toMatchObject({ open: true, data: './data' })
    expect(load([], { env: { SLUICE_OPEN: 'No' } }).config.open).toBe(false)
  })

  it('reads the other name of a variable after the usual one', () => {
    expect(load([], { env: { OLD_SLOTS: '5' } }).config.slots).toBe(5)
    expect(load([], { env: { OLD_SLOTS: '5', SLUICE_SLOTS: '6' } }).config.slots).toBe(6)
  })

  it('does not take --help and its like from the environment or a file', () => {
    expect(load([], { env: { SLUICE_HELP: '1', SLUICE_PRINT_CONFIG: '1' } }).config).toMatchObject({
      help: false,
      printConfig: false,
    })
    expect(problem(() => withFile('help: true')).message).toBe(
      'sluice.yaml: help: unknown key, did you mean http?',
    )
    expect(problem(() => withFile('config: x')).message).toBe('sluice.yaml: config: unknown key')
  })

  it('finds the file by the environment too, and takes JSON, comments and nothing', () => {
    const files: Record<string, string> = {
      'a.json': '{\n\t"log-level": "warn",\n\t"slots": 4\n}',
      'b.yaml': '# none\n',
    }
    const readFile = (path: string): string => files[path] ?? ''
    expect(load([], { env: { SLUICE_CONFIG: 'a.json' }, readFile }).config).toMatchObject({
      logLevel: 'warn',
      slots: 4,
    })
    expect(load(['--config', 'b.yaml'], { env: { SLUICE_CONFIG: 'a.json' }, readFile }).config.logLevel).toBe(
      'info',
    )
  })

  it('shares a file with a program that knows more keys', () => {
    const users = baseSchema()
    const input = { argv: ['--config', 'x'], env: {}, readFile: () => 'data: /d\nhttp: 127.0.0.1:1\n' }
    expect(loadConfig(users, { ...input, shares: schema }).config.data).toBe('/d')
    expect(problem(() => loadConfig(users, input)).message).toBe('x: http: unknown key')
  })
})

describe('what loadConfig refuses', () => {
  it.each([
    [['--htpp', 'x'], '--htpp: unknown flag, did you mean --http?'],
    [['--loglevel', 'warn'], '--loglevel: unknown flag, did you mean --log-level?'],
    [['--nonsense'], '--nonsense: unknown flag'],
    [['-x'], '-x: unknown flag'],
    [['--no-data'], '--no-data: unknown flag'],
    [['--data'], '--data: no value, wanted a text'],
    [['--no-opem'], '--no-opem: unknown flag, did you mean --no-open?'],
    [['--data', '--open'], '--data: no value, wanted a text'],
    [['--__proto__', 'x'], '--__proto__: unknown flag'],
  ])('%j: usage', (argv, message) => {
    expect(problem(() => load(argv))).toEqual({ code: 'USAGE', message })
  })

  it.each([
    [['--http', '8889'], '--http: "8889" is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080'],
    [['--limit', 'fast'], '--limit: "fast" is not a rate above 0, such as 250KB/s or 1MiB/s'],
    [['--slots', '101'], '--slots: "101" is not a whole number from 1 to 100'],
    [['--slots', '1e1'], '--slots: "1e1" is not a whole number from 1 to 100'],
    [['--door', 'sock'], '--door: "sock" is not one of socks, http'],
    [['--open=perhaps'], '--open: "perhaps" is not true or false'],
    [['--allow', '10.0.0.0/33'], '--allow: "10.0.0.0/33" is not networks, such as 10.0.0.0/8 or fd00::/8'],
    [['--allow', 'fe80::1%eth0'], '--allow: "fe80::1%eth0" is not networks, such as 10.0.0.0/8 or fd00::/8'],
    [
      ['--grace', 'x', '--slots', '0'],
      '--grace: "x" is not seconds, or a time with its unit, such as 500ms or 2m; --slots: "0" is not a whole number from 1 to 100',
    ],
    [['--data', 'x'.repeat(70_000)], '--data: longer than 64 KiB'],
  ])('%j: invalid', (argv, message) => {
    expect(problem(() => load(argv))).toEqual({ code: 'CONFIG_INVALID', message })
  })

  it('names the variable or the key of the file', () => {
    expect(problem(() => load([], { env: { SLUICE_SLOTS: 'many' } })).message).toBe(
      'SLUICE_SLOTS: "many" is not a whole number from 1 to 100',
    )
    expect(problem(() => withFile('slots: true')).message).toBe(
      'sluice.yaml: slots: true is not a whole number from 1 to 100',
    )
    expect(problem(() => withFile('store:')).message).toBe('sluice.yaml: store: null is not a text')
  })

  it.each([
    ['htpp: x', 'sluice.yaml: htpp: unknown key, did you mean http?'],
    ['logLevel: warn', 'sluice.yaml: logLevel: unknown key, did you mean log-level?'],
    ['__proto__: {data: x}', 'sluice.yaml: __proto__: unknown key'],
    ['- data', 'sluice.yaml: wanted keys with values, such as "log-level: info"'],
    ['data: a\ndata: b', 'sluice.yaml: line 2 is neither YAML nor JSON'],
    ['token: "hunter2\n', 'sluice.yaml: line 2 is neither YAML nor JSON'],
    [
      'a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]',
      'sluice.yaml: neither YAML nor JSON',
    ],
    [`# ${'x'.repeat(1024 * 1024)}`, 'sluice.yaml: larger than 1 MiB'],
  ])('the file %j', (contents, message) => {
    expect(problem(() => withFile(contents.slice(0, 2_000_000)))).toEqual({ code: 'CONFIG_INVALID', message })
  })

  it('keeps what a parser quotes of the file out of the log too', () => {
    const { log, raw } = new Journal()
    try {
      withFile('token: *hunter2')
    } catch (err) {
      log.error({ err }, 'reload.failed')
    }
    expect(raw.join('')).toContain('neither YAML nor JSON')
    expect(raw.join('')).not.toContain('hunter2')
  })

  it('a file that cannot be read', () => {
    expect(problem(() => load(['--config', '/nonexistent/x.yaml'])).message).toBe(
      '--config: cannot read /nonexistent/x.yaml (ENOENT)',
    )
  })

  it('says everything on one line and without secrets', () => {
    const other = z.object({ token: wholeNumber(1).optional().meta({ secret: true }), a: text.optional() })
    const { message } = problem(() => loadConfig(other, { argv: ['--token', 'hunter2'], env: {} }))
    expect(message).toBe('--token: *** is not a whole number, at least 1')
    expect(problem(() => load(['--a\nb'])).message).toBe('--a b: unknown flag')
  })

  it('a value that is missing', () => {
    expect(problem(() => loadConfig(z.object({ server: address }), { argv: [], env: {} })).message).toMatch(
      /^--server is missing, wanted HOST:PORT/,
    )
  })

  it('says what a rule about several values says', () => {
    const pair = z
      .object({ a: text.optional(), b: text.optional() })
      .refine((v) => v.a !== v.b, '--a and --b must differ')
    expect(problem(() => loadConfig(pair, { argv: ['--a', 'x', '--b', 'x'], env: {} })).message).toBe(
      '--a and --b must differ',
    )
  })
})

const ONE_LINE = /^[^\p{Cc}\u2028\u2029]+$/u

/** The message of a ConfigError, or `ok`; any other error escapes. */
function outcome(action: () => unknown): string {
  try {
    action()
    return 'ok'
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

describe('whatever comes in', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '--http',
      '--allow=',
      '--open',
      '--no-open',
      '--',
      '-',
      '--slots=3',
      '--config',
      '__proto__',
    ),
    fc.string(),
    fc.string({ unit: 'grapheme' }).map((flag) => `--${flag}`),
  )

  it('gives a configuration or a ConfigError of one line', () => {
    fc.assert(
      fc.property(fc.array(word), fc.string({ unit: 'binary', maxLength: 200 }), (argv, contents) => {
        expect(outcome(() => load(argv, { readFile: () => contents }))).toMatch(ONE_LINE)
      }),
    )
  })

  it('reads any file so', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string()),
      fc.object(),
    )
    const key = fc.oneof(fc.constantFrom('http', 'allow', 'slots', 'log-level', 'open', 'token'), fc.string())
    fc.assert(
      fc.property(fc.dictionary(key, value), (contents) => {
        expect(outcome(() => withFile(JSON.stringify(contents)))).toMatch(ONE_LINE)
      }),
    )
  })

  it('reads every text value back from what it prints', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (data) => {
        const loaded = load([`--data=${data}`])
        expect(withFile(printConfig(schema, loaded)).config.data).toBe(data)
      }),
    )
  })
})

describe('the environment', () => {
  it('is warned about, not refused, as it is shared with others', () => {
    const { warnings } = load([], { env: { SLUICE_HTPP: 'x', SLUICE_SERVICE_HOST: '10.0.0.1', HTTP: 'x' } })
    expect(warnings).toEqual(['SLUICE_HTPP: unknown variable, did you mean SLUICE_HTTP?'])
  })
})

describe('printConfig', () => {
  const argv = ['--token', 'hunter2', '--allow', '127.0.0.0/8', '--data', 'a "b"\n# c']

  it('shows each value with its source, and no secret', () => {
    const printed = printConfig(schema, load(argv, { env: { SLUICE_LIMIT: '1MB/s' } }))
    expect(printed).not.toContain('hunter2')
    expect(printed.split('\n')).toEqual([
      String.raw`data: "a \"b\"\n# c" # --data`,
      '# store: not set',
      'ops: "127.0.0.1:9102" # default',
      'log-level: "info" # default',
      'grace: "30" # default',
      'allow: "127.0.0.0/8" # --allow',
      'open: false # default',
      'watch: true # default',
      'http: "127.0.0.1:8889" # default',
      'limit: "1MB/s" # SLUICE_LIMIT',
      'slots: 8 # default',
      'door: "socks" # default',
      'token: "***" # --token',
      '',
    ])
  })

  it('prints a file that gives the same configuration', () => {
    const loaded = load(['--slots', '3', ...argv.slice(2)])
    expect(withFile(printConfig(schema, loaded)).config).toEqual({ ...loaded.config, config: 'sluice.yaml' })
  })
})

describe('configTable', () => {
  it('is a table that documentation can be held to', () => {
    const table = configTable(schema)
    expect(table).toContain('| `--slots N` | `SLUICE_SLOTS` `OLD_SLOTS` | `8` | how many at once |')
    expect(table).toContain('| `--door socks\\|http` | `SLUICE_DOOR` | `socks` | socks \\| http |')
    expect(configDrift(schema, `# Flags\n\n${table}`)).toEqual([])
  })

  it('notices a row that is missing, wrong or too much', () => {
    const table = configTable(schema).replace('how many at once', 'how many')
    expect(configDrift(schema, `${table}| \`--old\` | none | none | gone |\n`)).toEqual([
      'missing: `--slots N` | `SLUICE_SLOTS` `OLD_SLOTS` | `8` | how many at once',
      'not in the schema: `--slots N` | `SLUICE_SLOTS` `OLD_SLOTS` | `8` | how many',
      'not in the schema: `--old` | none | none | gone',
    ])
  })
})
