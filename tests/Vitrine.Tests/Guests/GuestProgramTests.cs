using System.Text;

namespace Vitrine.Tests.Guests;

/// <summary>Every program of tests/Guests prints the same and ends the same on the host's kernel and on ours.</summary>
public class GuestProgramTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private static readonly ulong YieldSeeds = Environment.GetEnvironmentVariable("VITRINE_LONG_TESTS") == "1" ? 4u : 1;

    public static TheoryData<string, string, ulong> Programs()
    {
        var data = new TheoryData<string, string, ulong>();
        foreach (GuestProgram program in GuestProgram.All().Where(p => p.ReasonNotToJudge is null))
        {
            foreach (string link in program.Links)
            {
                if (link != "musl" || HostRun.Has("musl-gcc"))
                    data.Add(program.Name, link, 0);
            }

            // Once more, or some times in long runs, with a kernel that gives up the processor at any await.
            for (ulong seed = 0; seed < YieldSeeds; seed++)
                data.Add(program.Name, program.Links[0], 20261120 + seed);
        }

        return data;
    }

    /// <summary>No program may ask for a younger Linux than ours says it is. Skipped with the names of those that this host can't judge.</summary>
    [JudgedFact]
    public void Programs_AskForNoYoungerLinuxThanOurs() =>
        Assert.All(GuestProgram.All(), p => Assert.True(p.LeastKernel <= new Version(6, 12), p.Name));

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Program_OnOurKernel_BehavesAsOnTheHosts(string name, string link, ulong yieldSeed)
    {
        GuestProgram program = GuestProgram.All().Single(p => p.Name == name);
        string path = program.Build(link);
        string scratch = Directory.CreateTempSubdirectory("vitrine-guest-").FullName;
        // As /tmp is inside: others may enter it.
        File.SetUnixFileMode(scratch, (UnixFileMode)0b111_101_101);
        HostRun host;
        try
        {
            host = HostRun.Of(path, program.Arguments, scratch, limit: Limit);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }

        Machine machine = await Machine.StartAsync(new MachineOptions
        {
            YieldSeed = yieldSeed == 0 ? null : yieldSeed,

            // Once by each engine, unless the whole run is by one.
            Engine = TestedEngine.Only ?? (yieldSeed == 0 ? ProcessorEngine.Interpreter : ProcessorEngine.Translator),
            TranslatesAtOnce = true,
            Memory = 256L << 20,
            Processors = program.Processors,
            Timeout = Limit,
            // Without the working directory, which may be below /tmp: the program's own directory is empty at first.
            HostTree = HostTree.Of("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"),
            Volumes = [new Volume(GuestProgram.BuildDirectory, "/guests", ReadOnly: true)],
        });
        Task<ProcessResult> running = machine.RunAsync(new ProcessOptions("/guests/" + Path.GetFileName(path), program.Arguments)
        {
            ProgramName = path,
            WorkingDirectory = "/tmp",
            ClearEnvironment = true,
            Environment = new Dictionary<string, string?> { ["PATH"] = Environment.GetEnvironmentVariable("PATH") },
        });
        // A machine that does not even heed its limit is stuck in its kernel: a failure, which must not hold up the rest.
        ProcessResult guest = await running.WaitAsync(2 * Limit);
        await machine.DisposeAsync();

        Assert.False(guest.TimedOut, "the program did not end; it printed:\n" + guest.Output + guest.Error);
        Assert.Equal(Encoding.UTF8.GetString(host.Output), guest.Output);
        Assert.Equal(host.Status, guest.ShellStatus);
    }
}

/// <summary>Skipped where the host can't be the judge of some guest programs, or some of their builds.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class JudgedFactAttribute : FactAttribute
{
    public JudgedFactAttribute()
    {
        var left = GuestProgram.All().Select(p => p.ReasonNotToJudge).OfType<string>().ToList();
        if (!HostRun.Has("musl-gcc"))
            left.AddRange(GuestProgram.All().Where(p => p.Links.Contains("musl")).Select(p => p.Name + " with musl (musl-gcc is not installed)"));
        if (left.Count > 0)
            Skip = "not compared on this host: " + string.Join(", ", left);
    }
}
