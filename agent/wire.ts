// What goes over the wire, as plain types: the published package needs nothing of the gateway's own code.
// `wire.test.ts` holds them to the contract.

export type DeviceInfo = {
  device_id: string
  customer_id: string
  name: string | null
  active: boolean
  /** ISO 8601, UTC. */
  created_at: string
}

export type DeviceAuthAnswer = {
  access_token: string
  token_type: 'Bearer'
  /** Seconds. */
  expires_in: number
  customer_id: string
  device_info: DeviceInfo
}

export type DeviceRefreshAnswer = { access_token: string; token_type: 'Bearer'; expires_in: number }

export type ApiKeyInfo = {
  id: number
  client_id: number
  name: string | null
  display: string
  status: 'active' | 'revoked' | 'expired'
  /** Null: all. */
  scopes: string[] | null
  /** Null: all. */
  models: string[] | null
  requests_per_minute: number | null
  expires_at: string | null
  created_at: string
  last_used_at: string | null
}

export type ApiKeyPage = {
  items: ApiKeyInfo[]
  total: number
  /** There: the list is long and still being counted; `total` is about right. */
  total_is_estimate?: true | undefined
  page: number
  page_size: number
}
export type ProviderKeyInfo = { provider: string; last4: string; updated_at: string }
export type HealthAnswer = { status: 'ok'; timestamp: string }

export type RiskLevel = 'LOW' | 'MEDIUM' | 'HIGH'
export type BatchBufferedAnswer = { status: 'buffered'; frames_added: number; buffer_size: number }

export type AnalyzeAnswer = {
  analysis: string
  has_security_incident: boolean
  risk_level: RiskLevel
  incident_type: string | null
  timestamp: string
  /** Frames that the last model asked has seen. */
  frame_count: number
  /** Both models saw an incident. */
  confirmed: boolean
  veto_reason?: string | undefined
}

export type AlertAnswer = {
  status: 'queued'
  alert_id: string
  /** No mail of its own: the last alert of this camera is not old enough. */
  suppressed?: true | undefined
}

/** The part of the usage answer that says what calls cost; millionths of EUR. */
export type UsageTotals = {
  totals: { calls: number; cost_micros: number }
  by_endpoint: { endpoint: string; calls: number; cost_micros: number }[]
}

/** Body of every error that the gateway itself answers. */
export type ErrorAnswer = {
  error: {
    message: string
    type: 'sallyport_error'
    code: string
    request_id: string
    details?: readonly string[]
  }
}
