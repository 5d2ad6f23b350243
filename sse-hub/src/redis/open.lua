-- What a topic holds, where an ID stands in it, and its newest events.
--
-- KEYS  3 index
-- ARGV  2 an ID, or ''  3 the same as a stream ID if it has that form, or ''
--       4, 5 how many events and bytes of the newest events to return
-- Returns {'ok', number, stamp, own ID of the newest event, base stamp, stamp from which on events come after a loss,
--          the same of the loss before that one, 1 if all losses are marked, milliseconds until an end is over,
--          the clock in microseconds, oldest stream ID or '', stamp of the event before that, place of the ID or '',
--          last stream ID whose stamp is not above the ID's or '', 1 if nothing is kept between that and the loss,
--          {newest entries, the newest first}}
--          | {'version', v}
local id, as_place = ARGV[2], ARGV[3]
local oldest = first_after('-', '+')

local place, floor, meets = '', '', 0
if id ~= '' then
  local member
  if oldest then
    -- What is older was trimmed, and the index may not know yet.
    local _, kept_from = parts(oldest[1])
    local from = string.format('%020.0f', kept_from)
    member = call('ZRANGEBYLEX', KEYS[3], '[i' .. id .. '\0' .. from, '(i' .. id .. '\1', 'LIMIT', 0, 1)[1]
  end
  if member then
    local found_number, found_stamp = string.match(string.sub(member, #id + 3), '^0*(%d+) (%d+)$')
    place = found_stamp .. '-' .. found_number
  elseif own_id == id then
    place = int(stamp) .. '-' .. int(number)
  end
end
if as_place ~= '' then
  if place == '' and call('XRANGE', s, as_place, as_place)[1] then place = as_place end
  local ceiling = string.match(as_place, '^(%d+)-') .. '-18446744073709551615'
  local below = call('XREVRANGE', s, ceiling, '-', 'COUNT', 1)[1]
  if below then
    floor = below[1]
    if loss > 0 and not first_after('(' .. floor, '(' .. int(loss) .. '-0') then meets = 1 end
  end
end

local events, bytes_left, before, entries, chunk = tonumber(ARGV[4]), tonumber(ARGV[5]), '+', {}, 1
while events > 0 and bytes_left > 0 do
  local found = call('XREVRANGE', s, before, '-', 'COUNT', math.min(chunk, events))
  for _, entry in ipairs(found) do
    bytes_left = bytes_left - #entry[2][2]
    if bytes_left < 0 and #entries > 0 then break end
    entries[#entries + 1] = entry
    before = '(' .. entry[1]
  end
  events = events - #found
  if #found < chunk then break end
  chunk = chunk * 2
end
return {'ok', number, stamp, own_id, base, loss, former_loss, marked,
  math.max(math.ceil(refused_for / 1000), 0), now, oldest and oldest[1] or '',
  oldest and stamp_before(oldest) or 0, place, floor, meets, entries}
