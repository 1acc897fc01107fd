import java.util.HashMap;

/** What each of the runtimes' programs does: a line, a computation that gets compiled, garbage to collect. */
public final class Runtime {
    private static int fib(int n) {
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
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
