# The commands of the documented API, as they are written there. Above each: the status and the keys that it documents.

#= List Products
#= 200 {"items":[{"id":0,"name":0,"description":0,"is_archived":0,"is_recurring":0,"recurring_interval":0,"organization_id":0,"prices":[{"id":0,"amount_type":0,"price_amount":0,"price_currency":0}],"benefits":[{"id":0,"type":0,"description":0}]}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/products/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "is_archived": false,
    "page": 1,
    "limit": 10
  }'

#= List Products
#= 200 {}
curl -X GET "https://api.polar.sh/v1/products/?organization_id=550e8400-e29b-41d4-a716-446655440000&is_recurring=true" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"

#= Create Product
#= 201 {"id":0,"name":0,"description":0,"is_archived":0,"is_recurring":0,"recurring_interval":0,"stripe_product_id":0,"organization_id":0,"created_at":0}
curl -X POST "https://api.polar.sh/v1/products/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Enterprise Plan",
    "description": "Full access to all features with priority support",
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "is_recurring": true,
    "recurring_interval": "month",
    "prices": [
      {
        "type": "recurring",
        "amount_type": "fixed",
        "price_amount": 9900,
        "price_currency": "usd"
      }
    ],
    "medias": ["media-file-id-1", "media-file-id-2"]
  }'

#= Update Product Benefits
#= 200 {"id":0,"benefits":[{"id":0,"type":0,"description":0}]}
curl -X POST "https://api.polar.sh/v1/products/650e8400-e29b-41d4-a716-446655440001/benefits" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "benefits": [
      "850e8400-e29b-41d4-a716-446655440003",
      "850e8400-e29b-41d4-a716-446655440004"
    ]
  }'

#= List Orders
#= 200 {"items":[{"id":0,"amount":0,"tax_amount":0,"currency":0,"billing_reason":0,"created_at":0,"customer":{"id":0,"email":0,"name":0},"product":{"id":0,"name":0},"subscription":{"id":0,"status":0}}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/orders/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "page": 1,
    "limit": 20
  }'

#= List Orders
#= 200 {}
curl -X GET "https://api.polar.sh/v1/orders/?organization_id=550e8400-e29b-41d4-a716-446655440000&product_billing_type=recurring" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"

#= List Subscriptions
#= 200 {"items":[{"id":0,"status":0,"current_period_start":0,"current_period_end":0,"cancel_at_period_end":0,"amount":0,"currency":0,"recurring_interval":0,"customer_id":0,"product_id":0,"price_id":0,"metadata":{"source":0}}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/subscriptions/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "active": true,
    "page": 1,
    "limit": 10
  }'

#= List Subscriptions
#= 200 {}
curl -X GET "https://api.polar.sh/v1/subscriptions/?customer_id=a50e8400-e29b-41d4-a716-446655440006" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"

#= Cancel Subscription
#= 200 {"id":0,"status":0,"cancel_at_period_end":0,"canceled_at":0,"current_period_end":0}
curl -X POST "https://api.polar.sh/v1/subscriptions/b50e8400-e29b-41d4-a716-446655440007/cancel" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "cancel_at_period_end": true,
    "reason": "customer_request"
  }'

#= List Customers
#= 200 {"items":[{"id":0,"email":0,"name":0,"external_id":0,"tax_id":0,"billing_address":{"line1":0,"city":0,"state":0,"postal_code":0,"country":0},"metadata":{"signup_source":0,"plan_tier":0},"created_at":0}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/customers/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "page": 1,
    "limit": 50
  }'

#= List Customers
#= 200 {}
curl -X GET "https://api.polar.sh/v1/customers/?query=john&organization_id=550e8400-e29b-41d4-a716-446655440000" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"

#= Create Customer
#= 201 {"id":0,"email":0,"name":0,"external_id":0,"organization_id":0,"metadata":{"company":0,"employee_count":0},"created_at":0}
curl -X POST "https://api.polar.sh/v1/customers/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "email": "newcustomer@example.com",
    "name": "Jane Smith",
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "external_id": "user_67890",
    "metadata": {
      "company": "Acme Corp",
      "employee_count": "50-100"
    },
    "billing_address": {
      "line1": "456 Oak Ave",
      "city": "New York",
      "state": "NY",
      "postal_code": "10001",
      "country": "US"
    }
  }'

#= Create Checkout Session
#= 201 {"id":0,"client_secret":0,"url":0,"status":0,"expires_at":0,"payment_processor":0,"amount":0,"tax_amount":0,"currency":0,"product_price":{"id":0,"product_id":0}}
curl -X POST "https://api.polar.sh/v1/checkouts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "product_price_id": "750e8400-e29b-41d4-a716-446655440002",
    "success_url": "https://example.com/success",
    "customer_email": "customer@example.com",
    "customer_name": "John Doe",
    "metadata": {
      "campaign": "winter_sale",
      "referrer": "partner_site"
    },
    "allow_discount_codes": true
  }'

#= Confirm Checkout Payment
#= 200 {"id":0,"status":0,"customer_id":0,"order_id":0,"subscription_id":0}
curl -X POST "https://api.polar.sh/v1/checkouts/d50e8400-e29b-41d4-a716-446655440009/confirm" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "client_secret": "checkout_secret_xxxxxxxxxxxxx",
    "confirmation_token_id": "stripe_confirmation_token_xxxxx"
  }'

#= List Checkout Sessions
#= 200 {}
curl -X GET "https://api.polar.sh/v1/checkouts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "confirmed",
    "page": 1,
    "limit": 25
  }'

#= Create Discount
#= 201 {"id":0,"code":0,"name":0,"type":0,"amount":0,"currency":0,"redemptions_count":0,"max_redemptions":0,"starts_at":0,"ends_at":0}
curl -X POST "https://api.polar.sh/v1/discounts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "code": "WINTER2025",
    "name": "Winter Sale 2025",
    "type": "percentage",
    "basis_points": 2000,
    "products": [
      "650e8400-e29b-41d4-a716-446655440001"
    ],
    "starts_at": "2025-01-01T00:00:00Z",
    "ends_at": "2025-03-31T23:59:59Z",
    "max_redemptions": 100
  }'

#= Create Discount
#= 201 {}
curl -X POST "https://api.polar.sh/v1/discounts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "code": "SAVE10",
    "name": "$10 Off",
    "type": "fixed",
    "amount": 1000,
    "currency": "usd",
    "products": ["650e8400-e29b-41d4-a716-446655440001"]
  }'

#= List Discounts
#= 200 {"items":[{"id":0,"code":0,"name":0,"type":0,"amount":0,"redemptions_count":0,"max_redemptions":0}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/discounts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "page": 1,
    "limit": 20
  }'

#= Create Webhook Endpoint
#= 201 {"id":0,"url":0,"secret":0,"events":[],"created_at":0}
curl -X POST "https://api.polar.sh/v1/webhooks/endpoints" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "url": "https://api.example.com/webhooks/polar",
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "events": [
      "order.created",
      "subscription.created",
      "subscription.updated",
      "subscription.canceled",
      "benefit.granted",
      "benefit.revoked"
    ]
  }'

#= List Webhook Events
#= 200 {"items":[{"id":0,"event_type":0,"payload":{"type":0,"data":{"id":0,"amount":0,"customer_id":0}},"last_http_code":0,"last_response":0,"succeeded_at":0,"created_at":0}]}
curl -X GET "https://api.polar.sh/v1/webhooks/events" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "webhook_endpoint_id": "f50e8400-e29b-41d4-a716-446655440011",
    "page": 1,
    "limit": 50
  }'

#= Replay Webhook Event
#= 202 {}
curl -X POST "https://api.polar.sh/v1/webhooks/events/g50e8400-e29b-41d4-a716-446655440012/replay" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"
