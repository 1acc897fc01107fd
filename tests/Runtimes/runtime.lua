-- What each of the runtimes' programs does: a line, a computation that gets compiled, garbage to collect.
print("hello from LuaJIT")
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(30))
local sums = {}
for i = 1, 2000000 do sums[i % 1000] = (sums[i % 1000] or 0) + i * 0.5 end
local total = 0
for i = 0, 999 do total = total + sums[i] end
print(total)
local kept, bytes = {}, 0
for i = 1, 300000 do
    kept[i % 500] = { i, tostring(i), { i } }
    bytes = bytes + #kept[i % 500][2]
end
collectgarbage()
print(bytes, kept[7][1])
