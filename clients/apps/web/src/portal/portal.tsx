import { ApiError } from '@polar-sh/client'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { forgetSession, keepSession, keptSession } from '../shared/session'
import { PortalTexts, SessionProvider, sessionClient } from './context'
import { Login } from './login'
import { makeRouter } from './router'
import { VerifyEmail } from './verify-email'

/** The customer portal: sign-in, or the screens of who is signed in. */
export function Portal() {
  const [token, setToken] = useState(keptSession)
  const [hasEnded, setEnded] = useState(false)
  const end = useCallback(() => {
    forgetSession()
    setToken(null)
    setEnded(true)
  }, [])
  const cache = useMemo(() => {
    const onError = (error: unknown) => {
      if (error instanceof ApiError && error.status === 401) end()
    }
    const queries = {
      staleTime: 10_000,
      retry: (tries: number, error: unknown) =>
        tries < 1 && !(error instanceof ApiError && error.status < 500),
    }
    // What one session was shown is never shown to the next.
    return new QueryClient({
      queryCache: new QueryCache({ onError }),
      defaultOptions: { queries, mutations: { meta: { token } } },
    })
  }, [token, end])
  const session = useMemo(
    () =>
      token
        ? {
            api: sessionClient(token),
            end,
            signOut: () => {
              forgetSession()
              setEnded(false)
              setToken(null)
            },
          }
        : undefined,
    [token, end],
  )
  const router = useMemo(() => (token ? makeRouter() : undefined), [token])
  const enter = (made: string) => {
    keepSession(made)
    setEnded(false)
    setToken(made)
  }
  const isVerification = /\/verify-email\/?$/.test(location.pathname)
  return (
    <PortalTexts>
      <QueryClientProvider client={cache}>
        {isVerification ? (
          <VerifyEmail onToken={enter} />
        ) : session && router ? (
          <SessionProvider value={session}>
            <RouterProvider router={router} />
          </SessionProvider>
        ) : (
          <Login hasEnded={hasEnded} onToken={enter} />
        )}
      </QueryClientProvider>
    </PortalTexts>
  )
}
