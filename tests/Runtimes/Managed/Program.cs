// What each of the runtimes' programs does: a line, a computation that gets compiled, garbage to collect.
using System.Globalization;

Console.WriteLine("hello from .NET");
Console.WriteLine(Fibonacci(30));
double[] sums = new double[1000];
for (int i = 0; i < 2_000_000; i++)
    sums[i % 1000] += i * 0.5;
Console.WriteLine(sums.Sum().ToString(CultureInfo.InvariantCulture));
var kept = new Dictionary<int, object[]>();
long bytes = 0;
for (int i = 0; i < 1_000_000; i++)
{
    kept[i % 500] = [i, i.ToString(CultureInfo.InvariantCulture), new byte[i & 255]];
    bytes += ((byte[])kept[i % 500][2]).Length;
}

GC.Collect();
Console.WriteLine($"{bytes} {kept[7][0]} {GC.CollectionCount(0) > 0}");
long total = 0;
Parallel.For(0, 1000, i => Interlocked.Add(ref total, i));
Console.WriteLine(total);
long[] survived = new long[4];
Parallel.For(0, survived.Length, i => survived[i] = new Forest(1 + i).Survive(2000));
Console.WriteLine(survived.Sum());

static int Fibonacci(int n) => n < 2 ? n : Fibonacci(n - 1) + Fibonacci(n - 2);
