# List Orders, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"items":[{"id":0,"amount":0,"tax_amount":0,"currency":0,"billing_reason":0,"created_at":0,"customer":{"id":0,"email":0,"name":0},"product":{"id":0,"name":0},"subscription":{"id":0,"status":0}}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/orders/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "page": 1,
    "limit": 20
  }'

#= 200 {}
curl -X GET "https://api.polar.sh/v1/orders/?organization_id=550e8400-e29b-41d4-a716-446655440000&product_billing_type=recurring" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"
