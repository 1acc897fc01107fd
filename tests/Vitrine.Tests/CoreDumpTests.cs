using System.Text;

namespace Vitrine.Tests;

/// <summary>A core file of the guest's, judged by the host's debugger.</summary>
public sealed class CoreDumpTests : IDisposable
{
    private const string Source = """
        #include <pthread.h>
        #include <string.h>
        #include <unistd.h>
        static char *heap;
        static __thread int local = 77;
        static int gate[2];
        static void *spin(void *a) { volatile long n = 0; write(gate[1], "x", 1); for (;;) n++; }
        static void *waits(void *a) { char c; write(gate[1], "x", 1); read(*(int *)a, &c, 1); return 0; }
        static long words[4] = { 11, 22, 33, 44 };
        static void wide(void) { __asm__ volatile("vmovdqu %0, %%ymm15" : : "m"(words) : "xmm15"); }
        __attribute__((noinline)) static int inner(int n) { if (n == 0) { wide(); *(volatile int *)8 = n; } return inner(n - 1) + 1; }
        int main(void)
        {
            pthread_t t;
            int never[2];
            char c;
            pipe(gate);
            pipe(never);
            heap = strdup("on the heap");
            pthread_create(&t, 0, spin, 0);
            pthread_create(&t, 0, waits, never);
            read(gate[0], &c, 1);
            read(gate[0], &c, 1);
            return inner(3);
        }
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("vitrine-core-").FullName;

    [OracleFact("gcc", "gdb")]
    public async Task Core_OfAProcessWithThreads_IsReadByADebugger()
    {
        string program = Path.Combine(_directory, "crash");
        await File.WriteAllTextAsync(program + ".c", Source);
        Assert.Equal(0, HostRun.Of("gcc", ["-g", "-O0", "-w", "-static", "-pthread", "-o", program, program + ".c"]).Status);
        string shared = Directory.CreateDirectory(Path.Combine(_directory, "out")).FullName;
        await using Machine machine = await Machine.StartAsync(new MachineOptions
        {
            Processors = 2,
            Timeout = TimeSpan.FromSeconds(60),
            Volumes = [new Volume(_directory, "/crash", ReadOnly: true), new Volume(shared, "/out")],
        });
        ProcessResult result = await machine.RunAsync(new ProcessOptions(
            "bash", "-c", "mkdir /tmp/d; cd /tmp/d; ulimit -c unlimited; /crash/crash; echo $?; ls; cp core /out; ulimit -c 0; rm core; /crash/crash; ls"));
        Assert.Equal("139\ncore\n", result.Output);
        Assert.Contains("Segmentation fault      (core dumped)", result.Error, StringComparison.Ordinal);

        HostRun gdb = HostRun.Of("gdb", ["-nx", "-batch", "-ex", "bt", "-ex", "p heap", "-ex", "p $_siginfo._sifields._sigfault.si_addr", "-ex", "p $ymm15.v4_int64", "-ex", "thread apply all bt 2", program, Path.Combine(shared, "core")]);
        string output = Encoding.UTF8.GetString(gdb.Output);
        Assert.Contains("Program terminated with signal SIGSEGV", output, StringComparison.Ordinal);
        Assert.Matches(@"#0 .*inner \(n=0\)[^#]*#1 .*inner \(n=1\)[^#]*#2 .*inner \(n=2\)[^#]*#3 .*inner \(n=3\)[^#]*#4 .*main ", output);
        Assert.Contains("\"on the heap\"", output, StringComparison.Ordinal);
        Assert.Contains("= (void *) 0x8", output, StringComparison.Ordinal);
        Assert.Contains("= {11, 22, 33, 44}", output, StringComparison.Ordinal);
        Assert.Contains("spin (a=0x0)", output, StringComparison.Ordinal);
        Assert.Contains("Thread 3", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("core.%p.%e.%s.%%", @"^core\.\d+\.sh\.6\.%$")]
    [InlineData("sub/%u", "^0$")]
    [InlineData("plain", @"^plain$")]
    public async Task Pattern_NamesTheFile(string pattern, string expected)
    {
        await using Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 64L << 20, Identity = GuestIdentity.Root });
        ProcessResult result = await machine.RunAsync(new ProcessOptions(
            "bash", "-c", $"mkdir -p /tmp/d/sub; cd /tmp/d; echo '{pattern}' > /proc/sys/kernel/core_pattern; ulimit -c unlimited; sh -c 'kill -ABRT $$' 2> /dev/null; find . -type f -printf '%f\\n'"));
        Assert.Matches(expected, result.Output.TrimEnd('\n'));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
