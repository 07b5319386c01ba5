import type { schemas } from '@polar-sh/client'
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
}

export interface Seller {
  id: string
  name: string
  allow_customer_updates?: boolean
  branding?: SellerPlaces & { brand_color?: string | null }
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
