# List Subscriptions, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"items":[{"id":0,"status":0,"current_period_start":0,"current_period_end":0,"cancel_at_period_end":0,"amount":0,"currency":0,"recurring_interval":0,"customer_id":0,"product_id":0,"price_id":0,"metadata":{"source":0}}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/subscriptions/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "active": true,
    "page": 1,
    "limit": 10
  }'

#= 200 {}
curl -X GET "https://api.polar.sh/v1/subscriptions/?customer_id=a50e8400-e29b-41d4-a716-446655440006" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"
