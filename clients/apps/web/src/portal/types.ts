import type { schemas } from '@polar-sh/client'
import type { ConsumerRights } from '../shared/rights-links'
import type { SellerPlaces } from '../shared/seller-links'

export type CustomerOrder = schemas['CustomerOrder']
export type CustomerSubscription = schemas['CustomerSubscription']
export type SubscriptionChange = Omit<schemas['CustomerSubscriptionUpdate'], 'pending_update'>
/** Drops a change that waits. The client's types take no field whose only value is null. */
export const DROP_PENDING = { pending_update: null } as SubscriptionChange
export type Preview = schemas['SubscriptionPreview']
export type PaymentMethod = schemas['PaymentMethodRead']
export type PortalCustomer = schemas['CustomerPortalCustomer']
export type Address = schemas['AddressInput']

/** What the portal reads of a product; the document leaves the rest open. */
export interface Sold {
  id: string
  name: string
  organization_id: string
  is_recurring?: boolean
  prices?: { amount_type: string }[]
}

export interface Seller {
  id: string
  name: string
  slug: string
  consumer_rights?: ConsumerRights
  allow_customer_updates?: boolean
  avatar_url?: string | null
  branding?: SellerPlaces & { brand_color?: string | null; logo_url?: string | null }
  customer_portal_settings?: {
    subscription?: {
      update_seats?: boolean
      update_plan?: boolean
      update_units?: boolean | null
      pause?: boolean | null
    }
    customer?: { allow_email_change?: boolean | null } | null
  } | null
}

export const soldOf = (thing: { product?: unknown }): Sold | null => (thing.product ?? null) as Sold | null

/** A change that waits for the end of the period; the document leaves its shape open. */
interface Planned {
  applies_at?: string
  product_id?: string | null
  seats?: number | null
  units?: number | null
}

export const plannedOf = (one: CustomerSubscription): Planned => (one.pending_update ?? {}) as Planned

/** What a seller lets its customers do; the server decides by the same rules (`billing/subscriptions/portal.py`). */
export function allowedBy(seller: Seller | undefined) {
  const rules = seller?.customer_portal_settings?.subscription ?? {}
  const may = Boolean(seller) && seller?.allow_customer_updates !== false
  const plan = may && rules.update_plan !== false
  return {
    plan,
    seats: may && rules.update_seats !== false,
    units: rules.update_units == null ? plan : may && rules.update_units,
    pause: Boolean(rules.pause),
    email: seller?.customer_portal_settings?.customer?.allow_email_change === true,
  }
}

/** What a subscription may be changed to: nothing where the seller forbids it. */
export function otherPlans(
  shop: { seller: Seller; products: Sold[] } | undefined,
  one: CustomerSubscription,
): Sold[] {
  if (!shop || !allowedBy(shop.seller).plan) return []
  return shop.products.filter((other) => other.is_recurring && other.id !== one.product_id)
}

export type Role = 'owner' | 'billing_manager' | 'member'

/** The role of a member of a team; one that is not known has the fewest rights. */
export const roleOf = (role: string | null | undefined): Role =>
  role === 'owner' || role === 'billing_manager' ? role : 'member'
