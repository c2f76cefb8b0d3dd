import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SourceError } from './source-error.ts'
import { readUserconfigs } from './userconfigs.ts'

const SEED = `{"users":[
 {"user_id":1,"port":2345,"method":"aes-256-cfb","password":"hellotheworld","transfer":104857600,"speed_limit":0},
 {"user_id":2,"port":2346,"method":"none","password":"hellotheworld","transfer":104857600,"speed_limit":384000}]}`

const read = (text: string): readonly unknown[] => readUserconfigs(Buffer.from(text))

const failure = (text: string): SourceError => {
  try {
    read(text)
  } catch (error) {
    if (error instanceof SourceError) return error
    throw error
  }
  throw new Error('was read')
}

describe('userconfigs.json', () => {
  it('has rows below "users"', () => {
    expect(read(SEED)).toMatchObject([{ user_id: 1 }, { user_id: 2 }])
    expect(read(`\u{FEFF}${SEED}`)).toHaveLength(2)
  })

  it('is of no use before it is whole, and nothing of it is told', () => {
    for (let length = 0; length < SEED.length; length += 1) {
      const { code, message } = failure(SEED.slice(0, length))
      expect(code).toBe('USERS_FORMAT')
      expect(message).not.toContain('hello')
    }
  })

  it('is told where its mistake is', () => {
    expect(failure('{\n "users": [\n  {"password" "secret"}]}').message).toBe('not JSON at line 3 column 15')
    expect(failure('secret').message).toBe('not JSON')
  })

  it.each([['[]'], ['{}'], ['null'], ['{"users":{}}'], ['"users"']])('is not %s', (text) => {
    expect(failure(text).message).toBe('wanted {"users": [ … ]}')
  })

  it('may be a megabyte of anything', () => {
    expect(failure('['.repeat(1_000_000)).code).toBe('USERS_FORMAT')
    expect(failure('\0\u{FFFD}"\\'.repeat(250_000)).code).toBe('USERS_FORMAT')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
        try {
          readUserconfigs(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(SourceError)
        }
      }),
    )
  })
})
