export { ApiServer } from './api-server.ts'
export { apiAccount, type Login } from './login.ts'
export type { ApiSettings, RequestDone } from './settings.ts'
