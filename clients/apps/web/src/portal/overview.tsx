import { Link } from '@tanstack/react-router'
import { GrantList } from './benefits'
import { usePortalWords } from './context'
import { OrderList } from './orders'
import { Card, Empty, Loaded, Screen, Section } from './parts'
import { useGrants, useManages, useOrders, useSubscriptions } from './queries'
import { SubscriptionFacts } from './subscription-facts'
import { soldOf } from './types'

const OVER = new Set(['canceled', 'incomplete_expired'])

export function Overview() {
  const { p } = usePortalWords()
  const subscriptions = useSubscriptions()
  const manages = useManages()
  const orders = useOrders(3)
  const grants = useGrants()
  return (
    <Screen title={p('title')}>
      <Section title={p('overview.subscriptions')}>
        <Loaded query={subscriptions}>
          {({ items }) => {
            const current = items.filter((one) => !OVER.has(one.status))
            if (current.length === 0) return <Empty>{p('overview.noSubscriptions')}</Empty>
            return (
              <>
                {current.map((one) => (
                  <Card key={one.id}>
                    <SubscriptionFacts subscription={one} />
                    {manages && (
                      <Link
                        to="/subscriptions/$id"
                        params={{ id: one.id }}
                        className="self-start py-1 text-sm text-accent underline underline-offset-2"
                      >
                        {p('sub.manage', { name: soldOf(one)?.name ?? '' })}
                      </Link>
                    )}
                  </Card>
                ))}
              </>
            )
          }}
        </Loaded>
      </Section>
      {manages && (
        <Section title={p('overview.orders')}>
          <Loaded query={orders}>{({ items }) => <OrderList orders={items} />}</Loaded>
        </Section>
      )}
      {grants.data?.items.every((grant) => grant.is_revoked) !== true && (
        <Section title={p('overview.benefits')}>
          <Loaded query={grants}>
            {({ items }) => <GrantList grants={items.filter((grant) => !grant.is_revoked).slice(0, 5)} />}
          </Loaded>
        </Section>
      )}
    </Screen>
  )
}
