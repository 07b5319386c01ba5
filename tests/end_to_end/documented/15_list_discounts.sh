# List Discounts, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"items":[{"id":0,"code":0,"name":0,"type":0,"amount":0,"redemptions_count":0,"max_redemptions":0}],"pagination":{"page":0,"page_size":0,"total_count":0,"max_page":0}}
curl -X GET "https://api.polar.sh/v1/discounts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "page": 1,
    "limit": 20
  }'
