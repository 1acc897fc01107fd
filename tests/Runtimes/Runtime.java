import java.util.HashMap;

/** What each of the runtimes' programs does: a line, a computation that gets compiled, garbage to collect. */
public final class Runtime {
    private static int fib(int n) {
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
    }

    /** Garbage under stress: trees that live for a while, whose old nodes are given young ones, all counted again and again. */
    private static final class Forest {
        private static final class Node {
            long value;
            Node left;
            Node right;
            long[] extra;
        }

        private final Node[] trees = new Node[64];
        private final long[] expected = new long[64];
        private long random;

        Forest(long seed) {
            random = seed;
        }

        private long next() {
            return random = random * 16807 % 2147483647;
        }

        private Node tree(int depth) {
            Node node = new Node();
            node.value = next();
            node.left = depth > 0 ? tree(depth - 1) : null;
            node.right = depth > 0 ? tree(depth - 1) : null;
            return node;
        }

        private static long extra(Node node) {
            return node.extra == null ? 0 : node.extra[node.extra.length - 1];
        }

        private static long count(Node node) {
            return node == null ? 0 : node.value + extra(node) + count(node.left) + count(node.right);
        }

        long survive(int rounds) {
            for (int round = 0; round < rounds; round++) {
                int fresh = round % 64;
                trees[fresh] = tree(8);
                expected[fresh] = count(trees[fresh]);
                for (int change = 0; change < 20; change++) {
                    int chosen = (int) (next() % Math.min(round + 1, 64));
                    Node node = trees[chosen];
                    for (long steps = next() % 8; steps > 0; steps--)
                        node = next() % 2 == 0 ? node.left : node.right;
                    long value = next();
                    expected[chosen] += value - extra(node);
                    node.extra = new long[1 + (int) (value % 100)];
                    java.util.Arrays.fill(node.extra, value);
                }
                if (round % 100 == 99) {
                    if (round % 500 == 499)
                        System.gc();
                    for (int i = 0; i < Math.min(round + 1, 64); i++)
                        if (count(trees[i]) != expected[i])
                            throw new IllegalStateException("tree " + i + " is damaged in round " + round);
                }
            }
            long total = 0;
            for (long sum : expected)
                total += sum;
            return total;
        }
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("hello from OpenJDK");
        System.out.println(fib(30));
        double[] sums = new double[1000];
        for (int i = 0; i < 2000000; i++)
            sums[i % 1000] += i * 0.5;
        double total = 0;
        for (double sum : sums)
            total += sum;
        System.out.println((long) total);
        HashMap<Integer, Object[]> kept = new HashMap<>();
        long bytes = 0;
        for (int i = 0; i < 1000000; i++) {
            kept.put(i % 500, new Object[] {i, Integer.toString(i), new byte[i & 255]});
            bytes += ((byte[]) kept.get(i % 500)[2]).length;
        }
        System.out.println(bytes + " " + kept.get(7)[0]);
        long[] counts = new long[4];
        Thread[] threads = new Thread[counts.length];
        for (int t = 0; t < threads.length; t++) {
            int number = t;
            threads[t] = new Thread(() -> {
                for (int i = 0; i < 200000; i++)
                    counts[number] += new byte[16].length;
                counts[number] += new Forest(1 + number).survive(2000);
            });
            threads[t].start();
        }
        long sum = 0;
        for (int t = 0; t < threads.length; t++) {
            threads[t].join();
            sum += counts[t];
        }
        System.out.println(sum);
    }
}
