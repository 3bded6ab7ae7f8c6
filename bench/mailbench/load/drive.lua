-- Sends tool calls out of a file that mailbench.load.wrk writes, and counts what came back.
--
-- Arguments: the file, "again" (of N calls of a kind the n-th is drawn with a weight of 1/n, so that a few are asked
-- again and again and most hardly ever) or "once" (one after the other, from where the last run ended), and "own" where
-- each thread has one connection and keeps to one session, else "shared": all sessions in turn. The file's
-- lines are fields between tabs: H, a header's name and value; S, a session; K, a kind's weight and where to begin; C,
-- a tool and the rest of a request's body.
--
-- wrk shares the machine with the server, so that what a request costs here is taken from the server: its text is put
-- together of pieces that are made once, and nothing but strings is made for each.

local running = {}
local headers, sessions, kinds = {}, {}, {}
local total, order, sent = 0, "again", 0
local FIRST = 100000000 -- of the ids, which all have as many digits: the length of a request is then always the same
local random, floor = math.random, math.floor

function setup(thread)
  table.insert(running, thread)
  thread:set("number", #running)
end

-- What stands before and behind the id, and before and behind the session where there is one.
local function pieces(tool, rest)
  headers["Mcp-Name"] = tool
  local request = wrk.format("POST", nil, headers, '{"jsonrpc":"2.0","id":' .. FIRST .. "," .. rest)
  local head, body = request:match("^(.-\r\n)(\r\n.*)$")
  local before, behind = body:match("^(.-\"id\":)%d+(.*)$")
  return { head = head, before = before, behind = behind }
end

function init(args)
  local kind
  for line in io.lines(args[1]) do
    local letter, first, second = line:match("^(%u)\t([^\t]*)\t?(.*)$")
    if letter == "H" then
      headers[first] = second
    elseif letter == "S" then
      table.insert(sessions, "Mcp-Session-Id: " .. first .. "\r\n")
    elseif letter == "K" then
      total = total + tonumber(first)
      kind = { upto = total, at = tonumber(second), calls = {} }
      table.insert(kinds, kind)
    elseif letter == "C" then
      table.insert(kind.calls, pieces(first, second))
    end
  end
  order = args[2]
  if args[3] == "own" then
    sessions = { sessions[number] }
  end
  math.randomseed(os.time() + number)
  failed, told, received, taken = 0, "", 0, ""
  began = os.clock() -- CPU seconds of the process
end

local function pick()
  local drawn = random() * total
  for number = 1, #kinds do
    local kind = kinds[number]
    if drawn < kind.upto then
      local size = #kind.calls
      if order == "once" then
        kind.at = kind.at % size + 1
        return kind.calls[kind.at]
      end
      local place = floor((size + 1) ^ random())
      return kind.calls[place < size and place or size]
    end
  end
end

function request()
  local call = pick()
  sent = sent + 1
  local session = #sessions > 0 and sessions[sent % #sessions + 1] or ""
  return call.head .. session .. call.before .. FIRST + sent .. call.behind
end

function response(status, _, body)
  received = received + #body
  local good = status == 200 and body:find('"result":', 1, true) and not body:find('"isError":true', 1, true)
  if not good then
    failed = failed + 1
    if told == "" then
      told = status .. " " .. body:sub(1, 300)
    end
  end
  if order == "once" and sent % 64 == 0 then
    local places = {}
    for number, kind in ipairs(kinds) do
      places[number] = kind.at
    end
    taken = table.concat(places, ",")
  end
end

function done(summary, latency)
  local bad, bytes, first, places, began = 0, 0, "", "", 0
  for _, thread in ipairs(running) do
    bad = bad + thread:get("failed")
    bytes = bytes + thread:get("received")
    first = first == "" and thread:get("told") or first
    places = thread:get("taken")
    began = math.max(began, thread:get("began")) -- of the whole process: what came before is the making ready
  end
  local errors = summary.errors
  io.write(string.format(
    "MAILBENCH\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n",
    summary.requests, summary.duration, (os.clock() - began) * 1e6, bytes, bad,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max,
    places, (first:gsub("%c", " "))
  ))
end
