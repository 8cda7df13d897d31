// The one catalogue of error codes: what a caller may be told, and with which HTTP status.

type ErrorEntry = { readonly status: number; readonly message: string }

/**
 * Every code that an answer of Sallyport can carry. `message` is the text for the caller when nothing more
 * precise was said; details for the operator go to the log only. `docs/errors.md` lists the same codes (a test holds both together).
 */
export const errorCatalogue = {
  malformed_request: { status: 400, message: 'The request is malformed.' },
  ambiguous_request: {
    status: 400,
    message: 'The request could be read in more than one way and was refused.',
  },
  bad_path: { status: 400, message: 'The path holds dot segments, empty segments or encoded slashes.' },
  bad_client_address: {
    status: 400,
    message: 'X-Real-IP must hold exactly one IP address. The proxy in front of Sallyport has to set it.',
  },
  malformed_credential: {
    status: 400,
    message: 'The credential holds characters that no credential has: only printable ASCII is taken.',
  },
  conflicting_credentials: {
    status: 400,
    message: 'The request carries two different credentials. Send exactly one.',
  },
  provider_key_missing: {
    status: 400,
    message:
      'No key of this provider is available for your call. Save a key of your own, or ask the operator.',
  },
  provider_key_refused: {
    status: 400,
    message: 'The provider does not accept the key that you saved. Save a working one.',
  },
  model_not_priced: {
    status: 400,
    message:
      'The model has no price here, so it cannot be called on the shared key. Ask the operator to price it.',
  },
  no_frames: { status: 400, message: 'This camera has no frames yet. Send some first.' },
  credential_missing: {
    status: 401,
    message: 'No credential was sent. Send one, for example in the Authorization header.',
  },
  invalid_credential: { status: 401, message: 'The credential is not valid.' },
  wrong_password: { status: 401, message: 'The password is wrong.' },
  budget_exceeded: {
    status: 402,
    message:
      'The budget of this client does not cover the call. Ask the operator to raise it, or wait for the next period.',
  },
  wrong_credential: {
    status: 403,
    message: 'This kind of credential does not open this path. Use a token of the service behind Sallyport.',
  },
  scope_missing: { status: 403, message: 'The credential does not have the scope that this call needs.' },
  model_not_allowed: { status: 403, message: 'The credential may not use this model.' },
  route_not_shared: {
    status: 403,
    message:
      'This call is open to a provider key of your own only, because the shared account serves all clients.',
  },
  assistant_not_allowed: { status: 403, message: 'This device may not start this assistant.' },
  not_your_client: { status: 403, message: 'This is not about your own client.' },
  ip_not_allowed: { status: 403, message: 'This credential may not be used from your address.' },
  binding_banned: { status: 403, message: 'This credential is banned.' },
  cross_site_refused: { status: 403, message: 'A console session is good for requests of the console only.' },
  not_found: { status: 404, message: 'There is nothing at this path.' },
  unknown_provider: { status: 404, message: 'There is no provider of this name.' },
  downstream_not_configured: {
    status: 404,
    message:
      'Nothing is served at this path: no downstream is configured. The operator sets DOWNSTREAM_URL to forward it.',
  },
  method_not_allowed: { status: 405, message: 'This path does not take this method.' },
  conflict: { status: 409, message: 'This is in conflict with something that exists.' },
  week_open: {
    status: 409,
    message: 'This week is not over yet. Wait for its end, or say that you want an invoice of an open week.',
  },
  body_too_large: { status: 413, message: 'The request body is larger than the limit.' },
  header_too_large: { status: 431, message: 'The request headers are larger than the limit.' },
  unsupported_media_type: { status: 415, message: 'Send the body as application/json.' },
  too_many_login_attempts: {
    status: 429,
    message: 'Too many failed logins from your address. Wait and try again.',
  },
  too_many_auth_failures: {
    status: 429,
    message: 'Too many failed authentications from your address. Wait and try again.',
  },
  rate_limited: { status: 429, message: 'The limit of requests per minute is reached. Wait and try again.' },
  model_quota: {
    status: 429,
    message: 'The quota of the analysing model is used up: this says nothing about an incident.',
  },
  too_many_bindings: {
    status: 429,
    message: 'Too many new credentials were used from your address within a minute. Wait and try again.',
  },
  too_many_new_users: {
    status: 429,
    message: 'Too many people called for the first time from your address. Wait and try again.',
  },
  provider_quota_exceeded: {
    status: 429,
    message: 'The provider refuses because the quota of your own key is used up. Wait, or raise it there.',
  },
  too_many_requests: { status: 429, message: 'Too many requests at once. Wait and try again.' },
  internal_error: {
    status: 500,
    message: 'Something went wrong on our side. Quote the request id to the operator.',
  },
  provider_key_rejected: {
    status: 502,
    message: 'The provider did not accept the key that the operator set. Your own credential is fine.',
  },
  analysis_failed: {
    status: 502,
    message: 'The model gave no usable analysis: this says nothing about an incident.',
  },
  generation_failed: {
    status: 502,
    message: 'The model gave no usable text.',
  },
  upstream_unreachable: { status: 502, message: 'The service behind Sallyport could not be reached.' },
  upstream_protocol_error: {
    status: 502,
    message: 'The service behind Sallyport gave an unreadable answer.',
  },
  failsafe_closed: {
    status: 503,
    message: 'Whether this call is allowed cannot be decided at the moment. Try again soon.',
  },
  database_unavailable: { status: 503, message: 'The database is away at the moment. Try again soon.' },
  issuer_unavailable: {
    status: 503,
    message: 'The identity provider that issues user tokens could not be asked for its keys. Try again soon.',
  },
  journal_full: {
    status: 503,
    message: 'There is no room to write down what the call costs, so it is not made. Try again soon.',
  },
  budget_unavailable: {
    status: 503,
    message: 'What is left of the budget cannot be told at the moment. Try again soon.',
  },
  mode_not_chosen: {
    status: 503,
    message:
      'This gateway runs in development mode, which serves only this machine. The operator sets DEPLOY_ENV to serve others.',
  },
  ai_key_missing: {
    status: 503,
    message: 'No key of the analysing model is set. The operator has to set one.',
  },
  model_unavailable: {
    status: 503,
    message: 'The analysing model is not available: this says nothing about an incident.',
  },
  mail_not_configured: {
    status: 503,
    message: 'No mail server is configured. The operator sets SMTP_URL and MAIL_FROM.',
  },
  overloaded: { status: 503, message: 'The gateway is at its limit of concurrent requests. Try again soon.' },
  shutting_down: { status: 503, message: 'The gateway is shutting down. Try again soon.' },
  console_not_built: {
    status: 503,
    message: 'The console has not been built. Run "npm run build --workspace console" on the server.',
  },
  upstream_timeout: { status: 504, message: 'The service behind Sallyport did not answer in time.' },
  request_timeout: { status: 408, message: 'The request did not arrive in time.' },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorCatalogue

export type ErrorBody = {
  error: {
    message: string
    type: 'sallyport_error'
    code: ErrorCode
    request_id: string
    details?: readonly string[]
  }
}

export type AppErrorOptions = {
  /** Text for the caller in place of the catalogue's; it must hold nothing secret. */
  message?: string
  /** Further reasons for the caller, one a line (`error.details`). */
  details?: readonly string[]
  /** Text for the operator's log only. */
  detail?: string
  retryAfterSeconds?: number
  cause?: unknown
}

/** A failure that has a code of the catalogue. `message` is public, `detail` and `cause` go to the log. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly details: readonly string[] | undefined
  readonly detail: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? errorCatalogue[code].message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = errorCatalogue[code].status
    this.details = options.details
    this.detail = options.detail
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** Whole-answer body for `code`; shape of SPEC §2. */
export function errorBody(
  code: ErrorCode,
  requestId: string,
  options: { message?: string | undefined; details?: readonly string[] | undefined } = {},
): ErrorBody {
  const { message = errorCatalogue[code].message, details } = options
  return {
    error: {
      message,
      type: 'sallyport_error',
      code,
      request_id: requestId,
      ...(details ? { details } : {}),
    },
  }
}
