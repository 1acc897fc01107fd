// What each of the runtimes' programs does: a line, a computation that gets compiled, garbage to collect.
console.log("hello from node");
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
console.log(fib(30));
const sums = new Float64Array(1000);
for (let i = 0; i < 2000000; i++)
    sums[i % 1000] += i * 0.5;
console.log(sums.reduce((a, b) => a + b));
const kept = new Map();
let bytes = 0;
for (let i = 0; i < 300000; i++) {
    kept.set(i % 500, { i, text: String(i), list: [i] });
    bytes += kept.get(i % 500).text.length;
}
console.log(bytes, kept.get(7).i, JSON.stringify([...kept.values()]).length);

// Garbage under stress: trees that live for a while, whose old nodes are given young ones, all counted again and again.
function survive(seed, rounds) {
    let random = seed;
    const next = () => random = random * 16807 % 2147483647;
    const tree = depth => ({ value: next(), left: depth > 0 ? tree(depth - 1) : null, right: depth > 0 ? tree(depth - 1) : null, extra: null });
    const count = node => node === null ? 0 : node.value + (node.extra === null ? 0 : node.extra[node.extra.length - 1]) + count(node.left) + count(node.right);
    const trees = [], expected = [];
    for (let round = 0; round < rounds; round++) {
        const fresh = round % 64;
        trees[fresh] = tree(8);
        expected[fresh] = count(trees[fresh]);
        for (let change = 0; change < 20; change++) {
            const chosen = next() % trees.length;
            let node = trees[chosen];
            for (let steps = next() % 8; steps > 0; steps--)
                node = next() % 2 === 0 ? node.left : node.right;
            const value = next();
            expected[chosen] += value - (node.extra === null ? 0 : node.extra[node.extra.length - 1]);
            node.extra = new Array(1 + value % 100).fill(value);
        }
        if (round % 100 === 99) {
            if (round % 500 === 499)
                gc();
            trees.forEach((root, i) => { if (count(root) !== expected[i]) throw new Error(`tree ${i} is damaged in round ${round}`); });
        }
    }
    return expected.reduce((a, b) => a + b);
}
console.log(survive(1, 2000));
