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

-- Garbage under stress: trees that live for a while, whose old nodes are given young ones, all counted again and again.
local function survive(seed, rounds)
    local random = seed
    local function next() random = random * 16807 % 2147483647 return random end
    local function tree(depth)
        return { value = next(), left = depth > 0 and tree(depth - 1) or nil, right = depth > 0 and tree(depth - 1) or nil }
    end
    local function count(node)
        if not node then return 0 end
        return node.value + (node.extra and node.extra[#node.extra] or 0) + count(node.left) + count(node.right)
    end
    local trees, expected = {}, {}
    for round = 0, rounds - 1 do
        local fresh = round % 64 + 1
        trees[fresh] = tree(8)
        expected[fresh] = count(trees[fresh])
        for _ = 1, 20 do
            local chosen = next() % #trees + 1
            local node = trees[chosen]
            for _ = 1, next() % 8 do node = next() % 2 == 0 and node.left or node.right end
            local value = next()
            expected[chosen] = expected[chosen] + value - (node.extra and node.extra[#node.extra] or 0)
            node.extra = {}
            for i = 1, 1 + value % 100 do node.extra[i] = value end
        end
        if round % 100 == 99 then
            if round % 500 == 499 then collectgarbage() end
            for i, root in ipairs(trees) do assert(count(root) == expected[i], "tree " .. i .. " is damaged in round " .. round) end
        end
    end
    local total = 0
    for _, sum in ipairs(expected) do total = total + sum end
    return total
end
print(string.format("%.0f", survive(1, 2000)))
