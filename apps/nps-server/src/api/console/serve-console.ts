import type { App } from '../api-server.ts'
import { PAGE, PAGE_POLICY } from './page.ts'

/** `GET /`: a page for people. It shows nothing before it is given a token. */
export const serveConsole = (app: App): void => {
  app.get('/', (_request, reply) =>
    reply.header('content-security-policy', PAGE_POLICY).type('text/html; charset=utf-8').send(PAGE),
  )
}
