import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http'
import type { Entry } from './served-folder.ts'

/** An answer that is no file. */
export interface Page {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string
}

/** Nothing in it may run or load anything, whatever files are called. */
const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
}

export const statusPage = (status: number, headers: OutgoingHttpHeaders = {}): Page => {
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`
  return { status, headers: { ...HEADERS, ...headers }, body: html(title, '') }
}

/** @param isTop nothing is above it */
export const listingPage = (entries: readonly Entry[], isTop: boolean): Page => {
  const all = isTop ? entries : [{ name: '..', isFolder: true }, ...entries]
  const lines = all.map((entry) => `<li>${linkTo(entry)}</li>\n`)
  return { status: 200, headers: HEADERS, body: html('Files', `<ul>\n${lines.join('')}</ul>\n`) }
}

const html = (title: string, rest: string): string =>
  `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>\n${rest}`

const linkTo = ({ name, isFolder }: Entry): string => {
  const slash = isFolder ? '/' : ''
  return `<a href="./${escaped(encodeURIComponent(name))}${slash}">${escaped(name)}${slash}</a>`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (mark) => ESCAPES[mark]!)
