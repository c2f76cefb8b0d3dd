import { describe, expect, it } from 'vitest'
import { createLog } from './log.ts'
import type { Log, LogLevel } from './log.ts'

function make(level: LogLevel = 'info'): { log: Log; lines: string[]; flushed: () => number } {
  const lines: string[] = []
  let flushes = 0
  const sink = { write: (line: string) => void lines.push(line), flush: () => void (flushes += 1) }
  return { log: createLog({ level, sink }), lines, flushed: () => flushes }
}

const parse = (line: string | undefined): unknown => JSON.parse(line ?? '')

describe('createLog', () => {
  it('writes one JSON line with level, time, fields and msg', () => {
    const { log, lines } = make()
    const before = Date.now()
    log.info({ user: 'anna', code: 'OK', up: 1 }, 'session.end')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.endsWith('}\n')).toBe(true)
    expect(parse(lines[0])).toEqual({
      level: 'info',
      time: expect.toSatisfy((time: number) => time >= before && time <= Date.now()),
      user: 'anna',
      code: 'OK',
      up: 1,
      msg: 'session.end',
    })
  })

  it('stays one line whatever a peer put into a field', () => {
    const { log, lines } = make()
    log.info({ target: 'a\nb\r\n\u2028{"msg":"ready"}' }, 'line\nbreak')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/)
    expect(parse(lines[0])).toMatchObject({ target: 'a\nb\r\n\u2028{"msg":"ready"}', msg: 'line\nbreak' })
  })

  it('leaves out what is below its level, also after a change', () => {
    const { log, lines } = make('warn')
    log.info('no')
    log.level = 'debug'
    log.debug('yes')
    expect(lines.map(parse)).toEqual([expect.objectContaining({ level: 'debug', msg: 'yes' })])
  })

  it('sends warnings and errors out at once, and lets the rest wait', () => {
    const { log, flushed } = make()
    log.info('x')
    expect(flushed()).toBe(0)
    log.warn('x')
    expect(flushed()).toBe(1)
    log.error('x')
    log.info('x')
    expect(flushed()).toBe(2)
  })

  it.each(['info', 'error', 'silent'] as const)('announces at level %s, msg first and at once', (level) => {
    const { log, lines, flushed } = make(level)
    log.announce('listening', { door: 'socks', host: '127.0.0.1', port: 8890 })
    log.announce('ready')
    expect(lines[0]).toMatch(/^\{"msg":"listening","door":"socks","host":"127\.0\.0\.1","port":8890[,}]/)
    expect(lines[1]).toMatch(/^\{"msg":"ready"[,}]/)
    expect(flushed()).toBe(2)
  })

  it('prints no secret', () => {
    const { log, lines } = make()
    const secret = 'hunter2'
    log.info(
      {
        password: secret,
        secret,
        token: secret,
        authorization: secret,
        'proxy-authorization': secret,
        headers: { authorization: secret, 'proxy-authorization': secret, host: 'example.org' },
        credentials: [{ hash: secret }],
        user: { name: 'anna', credentials: [secret] },
      },
      'x',
    )
    expect(lines[0]).not.toContain(secret)
    expect(parse(lines[0])).toMatchObject({
      password: '***',
      headers: { host: 'example.org' },
      user: { name: 'anna' },
    })
  })

  it('writes an error with code, stack and causes, and nothing else of it', () => {
    const { log, lines } = make()
    const cause = Object.assign(new TypeError('deeper'), { password: 'hunter2' })
    log.error({ err: Object.assign(new Error('broke', { cause }), { code: 'INTERNAL' }) }, 'session.end')
    expect(lines[0]).not.toContain('hunter2')
    expect(parse(lines[0])).toMatchObject({
      level: 'error',
      err: {
        name: 'Error',
        code: 'INTERNAL',
        message: 'broke',
        stack: expect.stringContaining('log.test.ts'),
        cause: { name: 'TypeError', message: 'deeper', stack: expect.stringContaining('log.test.ts') },
      },
    })
  })

  it('survives a cause that is itself', () => {
    const { log, lines } = make()
    const error = new Error('round')
    error.cause = error
    log.error({ err: error }, 'x')
    expect(parse(lines[0])).toMatchObject({ err: { message: 'round' } })
  })
})
