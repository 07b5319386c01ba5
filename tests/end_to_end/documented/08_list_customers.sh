# List Customers, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"items":[{"id":0,"email":0,"name":0,"external_id":0,"tax_id":0,"billing_address":{"line1":0,"city":0,"state":0,"postal_code":0,"country":0},"metadata":{"signup_source":0,"plan_tier":0},"created_at":0}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/customers/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "page": 1,
    "limit": 50
  }'

#= 200 {}
curl -X GET "https://api.polar.sh/v1/customers/?query=john&organization_id=550e8400-e29b-41d4-a716-446655440000" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"
