import { unwrap } from '@polar-sh/client'
import { Button } from '@polar-sh/ui'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { usePortalWords, useSession } from './context'
import { Failure, Loaded, useAction } from './parts'
import { useRefresh } from './queries'

/** A license key: copied, replaced, and freed of the machines that it is active on. */
export function LicenseKey({
  id,
  organization,
  isOfSubscription,
}: {
  id: string
  organization: string
  isOfSubscription: boolean
}) {
  const { p, date } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const [isCopied, setCopied] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const { run, isBusy, error } = useAction()
  const query = useQuery({
    queryKey: ['keys', id],
    queryFn: () => unwrap(api.GET('/v1/customer-portal/license-keys/{id}', { params: { path: { id } } })),
  })
  const rotate = () =>
    run(async () => {
      await unwrap(api.POST('/v1/customer-portal/license-keys/{id}/rotate', { params: { path: { id } } }))
      setAsking(false)
      setCopied(false)
      await refresh()
    })
  const deactivate = (key: string, activation: string) =>
    run(async () => {
      const body = { key, organization_id: organization, activation_id: activation }
      await unwrap(api.POST('/v1/customer-portal/license-keys/deactivate', { body }))
      await refresh()
    })
  return (
    <Loaded query={query}>
      {(key) => {
        const count = key.activations.length
        const limit = key.limit_activations
        return (
          <>
            <code className="min-w-0 rounded-lg bg-canvas px-3 py-2 font-mono text-xs break-all select-all sm:text-sm">
              {key.key}
            </code>
            {isAsking ? (
              <div className="flex flex-col gap-3 text-sm">
                <p>{p('benefit.rotateText')}</p>
                <div className="flex flex-wrap gap-3">
                  <Button busy={isBusy} onClick={() => void rotate()}>
                    {p('benefit.rotate')}
                  </Button>
                  <Button onClick={() => setAsking(false)}>{p('close')}</Button>
                </div>
              </div>
            ) : (
              <div className="flex flex-wrap items-center gap-3">
                <Button
                  onClick={() =>
                    void navigator.clipboard.writeText(key.key).then(
                      () => setCopied(true),
                      () => {},
                    )
                  }
                >
                  <span aria-live="polite">{p(isCopied ? 'benefit.copied' : 'benefit.copy')}</span>
                </Button>
                {key.status === 'granted' && (
                  <Button onClick={() => setAsking(true)}>{p('benefit.rotate')}</Button>
                )}
              </div>
            )}
            {key.expires_at ? (
              <p className="text-sm text-muted">{p('benefit.expires', { date: date(key.expires_at) })}</p>
            ) : (
              isOfSubscription && <p className="text-sm text-muted">{p('benefit.whileActive')}</p>
            )}
            {count > 0 && (
              <>
                <p className="text-sm">
                  {limit === null
                    ? p('benefit.activations', { count })
                    : p('benefit.activationsOf', { count, limit })}
                </p>
                <ul className="flex flex-col gap-2">
                  {key.activations.map((one) => (
                    <li key={one.id}>
                      <Button busy={isBusy} onClick={() => void deactivate(key.key, one.id)}>
                        {p('benefit.deactivate', { name: one.label })}
                      </Button>
                    </li>
                  ))}
                </ul>
              </>
            )}
            <Failure text={error} />
          </>
        )
      }}
    </Loaded>
  )
}
