-- For wrk: POST /api/events with one event of 300 bytes of data, the token from $TOKEN.
local chats = 50
local sent = 0
local data = [["method":"POST","path":"/webhooks/linq","status":200,"bytes":1834,"duration_ms":12.4,]] ..
  [["trace_id":"b7d1f3a09c5e4d2f8a6b1c3e5f709182","service":"iMessage","direction":"inbound",]] ..
  [["handle":"+15551234567","parts":[{"type":"text","value":"could you look at the build?"}],]] ..
  [["sent_at":"2026-11-17T14:00:00.000Z"]]

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")

request = function()
  sent = sent + 1
  return wrk.format(nil, nil, nil, string.format(
    [[{"event_type":"%s","chat_id":"chat-%d","msg":"a message of the usual length, some 40 bytes",%s}]],
    sent % 4 == 0 and "tmux.turn.start" or "linq.inbound", sent * 7919 % chats, data))
end
