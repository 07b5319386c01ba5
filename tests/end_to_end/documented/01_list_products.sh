# List Products, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

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

#= 200 {}
curl -X GET "https://api.polar.sh/v1/products/?organization_id=550e8400-e29b-41d4-a716-446655440000&is_recurring=true" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"
