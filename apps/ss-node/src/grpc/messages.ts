// The messages of ss.proto as this program sees them: what was not sent has its default, but for what is optional there.

export interface UserIdReq {
  readonly user_id: number
}

export interface UserReq extends UserIdReq {
  readonly port: number
  readonly method: string
  readonly password: string
  readonly enable: boolean
  readonly tcp_conn_num: number
  readonly speed_limit?: number
  readonly tcp_conn_limit?: number
  readonly ip_limit?: number
  readonly quota_bytes?: number
  readonly expires_at?: number
}

export interface UserMessage {
  readonly user_id: number
  readonly port: number
  readonly method: string
  readonly password: string
  readonly enable: boolean
  readonly speed_limit: number
  readonly ip_list: readonly string[]
  readonly tcp_conn_num: number
  readonly upload_traffic: number
  readonly download_traffic: number
  readonly name: string
  readonly tcp_conn_limit: number
  readonly ip_limit: number
  readonly quota_bytes: number
  readonly expires_at: number
}

export interface UserServerMessage {
  readonly user_id: number
  readonly upload_traffic: number
  readonly download_traffic: number
  readonly ip_list: readonly string[]
  readonly is_running: boolean
  readonly tcp_conn_num: number
}

export interface HealthCheckRes {
  readonly status_code: string
  readonly duration: number
}

export interface FindAccessUserReq {
  readonly port: number
  readonly method: string
  readonly ts_protocol: number
  readonly data: Uint8Array
}

export interface DecryptDataReq extends UserIdReq {
  readonly uuid: string
  readonly password: string
  readonly method: string
  readonly data: Uint8Array
}
