import { Link } from '@tanstack/react-router'
import { GrantList } from './benefits'
import { usePortalWords } from './context'
import { OrderList } from './orders'
import { Card, Loaded, Screen, Section } from './parts'
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
            if (current.length === 0) return <p className="text-muted">{p('overview.noSubscriptions')}</p>
            return (
              <>
                {current.map((one) => (
                  <Card key={one.id}>
                    <SubscriptionFacts subscription={one} />
                    {manages && (
                      <Link
                        to="/subscriptions/$id"
                        params={{ id: one.id }}
                        className="text-sm text-accent underline"
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
      <Section title={p('overview.benefits')}>
        <Loaded query={grants}>{({ items }) => <GrantList grants={items.slice(0, 5)} />}</Loaded>
      </Section>
    </Screen>
  )
}
