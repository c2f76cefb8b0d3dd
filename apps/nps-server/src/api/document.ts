import type { ApiRoute } from './api-route.ts'
import type { App } from './api-server.ts'
import { openApiDocument } from './openapi.ts'

/** `GET /v1/openapi.json`, for everybody: it tells nothing of this server but its version. */
export const serveDocument =
  (version: string, routes: readonly ApiRoute[]) =>
  (app: App): void => {
    const document = JSON.stringify(openApiDocument(version, routes))
    app.get('/v1/openapi.json', (_request, reply) => reply.type('application/json').send(document))
  }
