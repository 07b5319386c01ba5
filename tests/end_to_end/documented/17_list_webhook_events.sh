# List Webhook Events, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"items":[{"id":0,"event_type":0,"payload":{"type":0,"data":{"id":0,"amount":0,"customer_id":0}},"last_http_code":0,"last_response":0,"succeeded_at":0,"created_at":0}]}
curl -X GET "https://api.polar.sh/v1/webhooks/events" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "webhook_endpoint_id": "f50e8400-e29b-41d4-a716-446655440011",
    "page": 1,
    "limit": 50
  }'
