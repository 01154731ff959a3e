#pragma once

/// The steps of the registry that must be atomic, in Redis' Lua. ARGV[1] is the prefix of the keys.
/// Times are of the server's clock, in ms.
///
///   g:<gateway>            hash: i: its tenure; h: kNew, kKnown or kExpired; u: until when it
///   lives u:<user>               hash: gateway -> tenure in which the user came to it
///   m:<gateway>:<tenure>   set: the users that came in it
///   d:<gateway>            set: tenures that are over and have users left to be removed
///   epoch                  which filling of this Redis this is
namespace parley::session_registry::scripts {

// Of a tenure.
inline constexpr unsigned kNew = 0;
inline constexpr unsigned kKnown = 1;    // the gateway has said hello in it
inline constexpr unsigned kExpired = 2;  // new, and the one before ended by silence

/// What the others begin with.
inline constexpr const char* kCommon = R"(
local p = ARGV[1]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local tenures = {}
local function tenure(gateway)
  local i = tenures[gateway]
  if i == nil then
    local g = redis.call('HMGET', p..'g:'..gateway, 'i', 'u')
    i = g[1] and tonumber(g[2]) > now and g[1] or false
    tenures[gateway] = i
  end
  return i
end
local function over(gateway)
  local i = redis.call('HGET', p..'g:'..gateway, 'i')
  if not i then return end
  redis.call('DEL', p..'g:'..gateway)
  if redis.call('EXISTS', p..'m:'..gateway..':'..i) == 1 then
    redis.call('SADD', p..'d:'..gateway, i)
  end
end
local function alive(gateway, timeout, fresh)
  local i = tenure(gateway)
  if not i then
    local how = redis.call('EXISTS', p..'g:'..gateway) == 1 and 2 or 0
    over(gateway)
    i = fresh
    tenures[gateway] = i
    redis.call('HSET', p..'g:'..gateway, 'i', i, 'h', how)
  end
  redis.call('HSET', p..'g:'..gateway, 'u', string.format('%d', now + timeout))
  return i
end
local function where(user, out)
  local rows = redis.call('HGETALL', p..'u:'..user)
  for j = 1, #rows, 2 do
    if tenure(rows[j]) == rows[j + 1] then
      out[#out + 1] = rows[j]
    else
      redis.call('HDEL', p..'u:'..user, rows[j])
    end
  end
  return out
end
)";

/// prefix, gateway, timeout in ms, a fresh tenure, report (0, 1), then user, online (0, 1) ...
/// -> {{user, gateway ...} ...}
inline constexpr const char* kUpdate = R"(
local gateway = ARGV[2]
local i = alive(gateway, ARGV[3], ARGV[4])
local members = p..'m:'..gateway..':'..i
for a = 6, #ARGV, 2 do
  local user = ARGV[a]
  if ARGV[a + 1] == '1' then
    redis.call('HSET', p..'u:'..user, gateway, i)
    redis.call('SADD', members, user)
  else
    redis.call('HDEL', p..'u:'..user, gateway)
    redis.call('SREM', members, user)
  end
end
local out = {}
if ARGV[5] == '1' then
  for a = 6, #ARGV, 2 do out[#out + 1] = where(ARGV[a], {ARGV[a]}) end
end
return out
)";

/// prefix, gateway, timeout in ms, a fresh tenure -> how the tenure was known
inline constexpr const char* kHeartbeat = R"(
alive(ARGV[2], ARGV[3], ARGV[4])
local g = p..'g:'..ARGV[2]
local known = redis.call('HGET', g, 'h')
redis.call('HSET', g, 'h', 1)
return tonumber(known)
)";

/// prefix, gateway: its tenure is over
inline constexpr const char* kEnd = R"(
over(ARGV[2])
return 0
)";

/// prefix, gateway, report (0, 1), how many, a tenure, the users that `remove` answered last ...:
/// these are done with.
/// -> {tenure, {user, gateway ...} ...}: of a tenure that is over, some users; {}: there are none
inline constexpr const char* kRemove = R"(
local gateway = ARGV[2]
local dead = p..'d:'..gateway
if ARGV[5] ~= '' then
  local members = p..'m:'..gateway..':'..ARGV[5]
  if #ARGV > 5 then redis.call('SREM', members, unpack(ARGV, 6)) end
  if redis.call('EXISTS', members) == 0 then redis.call('SREM', dead, ARGV[5]) end
end
local i = redis.call('SRANDMEMBER', dead)
if not i then return {} end
local users = redis.call('SRANDMEMBER', p..'m:'..gateway..':'..i, ARGV[4])
local out = {i}
for _, user in ipairs(users) do
  if redis.call('HGET', p..'u:'..user, gateway) == i then
    redis.call('HDEL', p..'u:'..user, gateway)
  end
  out[#out + 1] = ARGV[3] == '1' and where(user, {user}) or {user}
end
return out
)";

/// prefix, epoch, users ... -> {user, gateway, user, gateway ...}, or nothing if the epoch is
/// another
inline constexpr const char* kFind = R"(
if redis.call('GET', p..'epoch') ~= ARGV[2] then return false end
local out = {}
for a = 3, #ARGV do
  for _, gateway in ipairs(where(ARGV[a], {})) do
    out[#out + 1] = ARGV[a]
    out[#out + 1] = gateway
  end
end
return out
)";

}  // namespace parley::session_registry::scripts
