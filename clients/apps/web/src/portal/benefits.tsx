import { type schemas, unwrap } from '@polar-sh/client'
import { Badge, Button, Markdown } from '@polar-sh/ui'
import { useQuery } from '@tanstack/react-query'
import { usePortalWords, useSession } from './context'
import { LicenseKey } from './license-key'
import { Card, Empty, Failure, Loaded, Screen, useAction } from './parts'
import { useGrants } from './queries'
import { basePath } from './session'

type Grant = schemas['CustomerBenefitGrant']

interface Benefit {
  type: string
  description: string
  organization_id: string
  properties?: { note?: string | null } | null
}

const PLATFORMS = { github_repository: ['github', 'GitHub'], discord: ['discord', 'Discord'] } as const

export function BenefitsScreen() {
  const { p } = usePortalWords()
  const grants = useGrants()
  return (
    <Screen title={p('nav.benefits')}>
      <Loaded query={grants}>{({ items }) => <GrantList grants={items} />}</Loaded>
    </Screen>
  )
}

export function GrantList({ grants }: { grants: Grant[] }) {
  const { p } = usePortalWords()
  const current = grants.filter((grant) => !grant.is_revoked)
  if (current.length === 0) return <Empty>{p('benefit.empty')}</Empty>
  return (
    <ul className="flex flex-col gap-3">
      {current.map((grant) => (
        <li key={grant.id}>
          <Shown grant={grant} />
        </li>
      ))}
    </ul>
  )
}

function Shown({ grant }: { grant: Grant }) {
  const { p } = usePortalWords()
  const benefit = grant.benefit as unknown as Benefit
  const properties = grant.properties as { license_key_id?: string; account_id?: string | null }
  const platform = PLATFORMS[benefit.type as keyof typeof PLATFORMS]
  const needsAccount = platform !== undefined && !properties.account_id && !grant.is_granted
  return (
    <Card>
      <div className="flex items-baseline justify-between gap-4">
        <span className="min-w-0 break-words font-medium">{benefit.description}</span>
        <Badge tone={grant.is_granted ? 'good' : 'plain'}>
          {p(grant.is_granted ? 'benefit.ready' : 'benefit.getReady')}
        </Badge>
      </div>
      {grant.error && <Failure text={grant.error.message} />}
      {benefit.properties?.note && (
        <div className="text-sm text-muted">
          <Markdown text={benefit.properties.note} />
        </div>
      )}
      {properties.license_key_id && (
        <LicenseKey
          id={properties.license_key_id}
          organization={benefit.organization_id}
          isOfSubscription={grant.subscription_id !== null}
        />
      )}
      {benefit.type === 'downloadables' && grant.is_granted && <Downloads benefit={grant.benefit_id} />}
      {needsAccount && <Connect platform={platform[0]} name={platform[1]} />}
    </Card>
  )
}

function Downloads({ benefit }: { benefit: string }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const query = useQuery({
    queryKey: ['downloads', benefit],
    queryFn: () =>
      unwrap(
        api.GET('/v1/customer-portal/downloadables/', {
          params: { query: { benefit_id: [benefit], limit: 100 } },
        }),
      ),
  })
  return (
    <Loaded query={query}>
      {({ items }) => (
        <ul className="flex flex-col gap-2 text-sm">
          {items.map(({ id, file }) => (
            <li key={id}>
              <a
                href={file.download.url}
                rel="noopener noreferrer"
                className="break-words text-accent underline"
              >
                {p('benefit.download', { name: file.name })}
              </a>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  )
}

function Connect({ platform, name }: { platform: 'github' | 'discord'; name: string }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const { run, isBusy, error } = useAction()
  const connect = () =>
    run(async () => {
      const body = { platform, return_to: `${basePath()}/benefits` }
      const { url } = await unwrap(api.POST('/v1/customer-portal/oauth-accounts/authorize', { body }))
      location.assign(url)
    })
  return (
    <>
      <Button busy={isBusy} onClick={() => void connect()}>
        {p('benefit.connect', { service: name })}
      </Button>
      <Failure text={error} />
    </>
  )
}
