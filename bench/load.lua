-- What wrk sends, selected by $BENCH_LOAD; prints its measurements as one line of JSON.
--
--   health     GET /health            pipelined  the same, 16 requests at once
--   frontend   POST /api/frontend-log  event     POST /api/events, one event
--   batch      POST /api/events, 100 events as NDJSON; the token from $BENCH_TOKEN

local load = os.getenv("BENCH_LOAD") or "health"

-- As much as a pino line has: 300 bytes of data and 40 of message.
local data = [["method":"POST","path":"/webhooks/linq","status":200,"bytes":1834,"duration_ms":12.4,]] ..
  [["trace_id":"b7d1f3a09c5e4d2f8a6b1c3e5f709182","service":"iMessage","direction":"inbound",]] ..
  [["handle":"+15551234567","parts":[{"type":"text","value":"could you look at the build?"}],]] ..
  [["sent_at":"2026-11-17T14:00:00.000Z"]]

local function event(number)
  return string.format(
    [[{"event_type":"%s","chat_id":"chat-%d","msg":"a message of the usual length, some 40 bytes",%s}]],
    number % 4 == 0 and "tmux.turn.start" or "linq.inbound", number * 7919 % 50, data)
end

local function batch(first)
  local lines = {}
  for number = first, first + 99 do lines[#lines + 1] = event(number) end
  return table.concat(lines, "\n") .. "\n"
end

local function page_error()
  return [[{"level":"error","message":"Cannot read properties of undefined (reading 'length')",]] ..
    [["error":"TypeError: Cannot read properties of undefined (reading 'length')",]] ..
    [["stack":"TypeError: Cannot read properties\n    at render (https://chat.example.org/app.js:10:15)",]] ..
    [["context":{"url":"https://chat.example.org/chats/7","ua":"Mozilla/5.0 (X11; Linux x86_64)","build":"0.0.1"}}]]
end

-- Requests that are built once and sent in turn.
local made = {}
local sent = 0

local function next_request()
  sent = sent + 1
  return made[sent % #made + 1]
end

function init()
  if load == "pipelined" then
    made[1] = string.rep(wrk.format("GET"), 16)
  elseif load == "frontend" then
    made[1] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, page_error())
  elseif load == "event" or load == "batch" then
    local fields = {
      ["Authorization"] = "Bearer " .. (os.getenv("BENCH_TOKEN") or ""),
      ["Content-Type"] = load == "event" and "application/json" or "application/x-ndjson",
    }
    for number = 1, 50 do
      made[number] = wrk.format("POST", nil, fields, load == "event" and event(number) or batch(number))
    end
  end
end

if load ~= "health" then request = next_request end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    [[{"requests":%d,"us":%d,"p50":%d,"p99":%d,"p999":%d,"failed":%d,"rejected":%d}]], summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
