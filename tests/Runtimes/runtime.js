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
